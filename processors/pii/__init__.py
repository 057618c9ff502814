"""Personal data in a text, found by their form, their checksums and the words around them."""
