"""Tables under the app label ``sequence``, where Django looks for them. They stand in ``sequence.core.models``."""

from sequence.core.models import *  # noqa: F403 - all that it lists
