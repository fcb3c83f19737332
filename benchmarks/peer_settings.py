"""Settings of the peers: the product's, without its middleware and addresses."""

from sequence.settings import *  # noqa: F403 - all but what follows

ROOT_URLCONF = "benchmarks.peers"
MIDDLEWARE = []
