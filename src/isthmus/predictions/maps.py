"""What all predictions that are maps have in common."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from isthmus.predictions.meaning import Meaning, Spec
from isthmus.predictions.place import Place
from isthmus.predictions.windows import Window, mean_of_windows
from isthmus.rasters.legend import Legend


class MapMeaning(Meaning[Spec]):
    """Numbers of pixels: `(B, channels, H, W)`, or `(B, H, W)`."""

    @abstractmethod
    def legend(self, suffix: str) -> Legend:
        """What the values that come with a suffix are, in a file."""

    def blend(self, windows: Sequence[Window], size: tuple[int, int]) -> Tensor:
        """The mean of what the model gives for each pixel in all windows, to be decided on afterwards."""
        return mean_of_windows(windows, size)

    def write(self, values: Tensor, suffix: str, place: Place) -> list[Path]:
        """A GeoTIFF at the place of the image, with nodata where that has none."""
        from isthmus.rasters.write import write_map

        path = place.file(f"{suffix}.tif")
        write_map(path, values.cpu().numpy(), place.frame, self.legend(suffix))
        return [path]
