"""How many book transfers a worker settles in a second: ``python -m benchmarks.settlement``."""

import random

from benchmarks.scene import Scene, milliseconds, say, scratch_scene

from django.utils import timezone  # isort: skip - after benchmarks.scene, which sets Django up

from transfers.models import Direction, Origin, Status, Transfer
from transfers.rails.ledger import BookRail
from transfers.settlement import BATCH_SIZE, accept

TRANSFERS = 5_000
PODS = 100
SEED = 1


def main() -> None:
    with scratch_scene(pods=PODS, cents_in_each=10_000_000) as scene:
        for name, hot in (("spread over 100 pods", False), ("all from one hot pod", True)):
            _order(scene, hot=hot)
            took = milliseconds(_settle)
            assert not Transfer.objects.exclude(status=Status.COMPLETE).exists()  # noqa: S101 - or it measured failures
            per_second = TRANSFERS / took * 1000
            say(f"{TRANSFERS:,} transfers {name}, batches of {BATCH_SIZE}: {per_second:,.0f} transfers/s")


def _order(scene: Scene, *, hot: bool) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same load every time
    now = timezone.now()
    rows = []
    for _ in range(TRANSFERS):
        source, destination = chance.sample(scene.pods, 2)
        if hot:
            source, destination = scene.pods[0], chance.choice(scene.pods[1:])
        rows.append(
            Transfer(
                organization=scene.organization,
                amount_cents=100,
                direction=Direction.INTERNAL,
                origin=Origin.USER,
                status=Status.PROCESSING,
                source=source,
                destination=destination,
                rail=BookRail.name,
                created_at=now,
            )
        )
    Transfer.objects.bulk_create(rows, batch_size=1000)


def _settle() -> None:
    while accept(timezone.now()):
        pass


if __name__ == "__main__":
    main()
