"""`/items/{id}/audio`, `/waveform` and `/spectrogram.png`: a recording, to be heard and seen."""

from aiohttp import web

from earmark.streams.web.access import RefusedError
from earmark.streams.web.api.item import ID, found_or_404
from earmark.streams.web.endpoint import PREFIX, Endpoint, Parameter, number
from earmark.streams.web.inspector import Inspector
from earmark.streams.web.png import png
from earmark.streams.web.sketch import Sketch

BUCKETS = Parameter(
    name="buckets", says="Stretches of time.", kind="integer", default=1200, least=1, most=8000
)
WIDTH = Parameter(
    name="width", says="In pixels.", kind="integer", default=1200, least=16, most=4096
)
HEIGHT = Parameter(name="height", says="Likewise.", kind="integer", default=160, least=16, most=512)


def endpoints(inspector: Inspector) -> list[Endpoint]:
    """Those of this module."""
    recordings = Recordings(inspector)
    path = f"{PREFIX}/items/{{content_id}}"
    fails = (404, 422)
    return [
        Endpoint(
            method="GET",
            path=f"{path}/audio",
            handler=recordings.audio,
            says="The recording, by ranges: as it is where browsers play it, or decoded to WAV.",
            tag="recordings",
            parameters=(ID,),
            answer="audio/*",
            fails=fails,
        ),
        Endpoint(
            method="GET",
            path=f"{path}/waveform",
            handler=recordings.waveform,
            says="Its lowest and highest samples in stretches of equal length.",
            tag="recordings",
            parameters=(ID, BUCKETS),
            fails=fails,
        ),
        Endpoint(
            method="GET",
            path=f"{path}/spectrogram.png",
            handler=recordings.spectrogram,
            says="Its spectrogram, in mel bands, as a picture.",
            tag="recordings",
            parameters=(ID, WIDTH, HEIGHT),
            answer="image/png",
            fails=fails,
        ),
    ]


class Recordings:
    """The handlers."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    async def audio(self, request: web.Request) -> web.StreamResponse:
        """The file, or the range of it that is asked for."""
        content_id = request.match_info["content_id"]
        await self._check(content_id)
        found = await self._inspector.wait(self._inspector.media.playable, content_id)
        if found is None:
            raise RefusedError(404, "the item has no recording")
        return web.FileResponse(found.path, headers={"Content-Type": found.media_type})

    async def waveform(self, request: web.Request) -> web.Response:
        """The drawing in numbers."""
        buckets = int(number(request, BUCKETS) or 0)
        sketch = await self._sketch(request)
        low, high = await self._inspector.read(sketch.waveform, buckets)
        found = {"duration_s": round(sketch.seconds, 3), "low": low, "high": high}
        return web.json_response(found)

    async def spectrogram(self, request: web.Request) -> web.Response:
        """The picture."""
        width, height = (int(number(request, it) or 0) for it in (WIDTH, HEIGHT))
        sketch = await self._sketch(request)
        body = await self._inspector.read(lambda: png(sketch.picture(width, height)))
        return web.Response(body=body, content_type="image/png")

    async def _sketch(self, request: web.Request) -> Sketch:
        content_id = request.match_info["content_id"]
        await self._check(content_id)
        found = await self._inspector.wait(self._inspector.media.sketch, content_id)
        if found is None:
            raise RefusedError(404, "the item has no recording")
        return found

    async def _check(self, content_id: str) -> None:
        item = await self._inspector.read(self._inspector.reader.item, content_id)
        found_or_404(item, content_id)
