// Says that the token was refused, where the server has sent the reader back.

document.getElementById("failed").hidden = !new URLSearchParams(location.search).has("failed");
