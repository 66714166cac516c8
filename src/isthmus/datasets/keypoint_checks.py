"""Checking the arguments of the datamodule for keypoints, until configurations ask its declared source."""

from isthmus.datasets.keypoint_source import KeypointSource

check_keypoint_data = KeypointSource.check
