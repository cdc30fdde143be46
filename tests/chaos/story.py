"""Work is promised while everything fails; then everything heals, and every promise is held against the oracle.

Hurt: a fifth of the provider's answers lost after it acted, other answers late, broken or refused; workers and the
relay killed outright; the broker emptied again and again, and standing still for a while.
Heal, converge, audit: what the provider really did, what our rows say, and what the money says must agree.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from billing.models import Wallet
from outbox.models import Row
from sandbox import Misbehaviour, Sandbox
from telephony.audit import run_audit
from telephony.models import Verification
from telephony.reconcile import reconcile
from telephony.verifications import report
from tests.chaos.bench import Broker, Program, Receiver, sooner_or_later
from tests.chaos.jobs import World, promise

FINAL = (Row.State.DONE, Row.State.UNKNOWN, Row.State.DEAD)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much work, and how it is hurt."""

    jobs: int
    seed: int
    flush_every_seconds: float
    stand_still_after_seconds: float
    stand_still_seconds: float
    kill_every_seconds: float
    hurt_at_most_seconds: float
    converge_seconds: float
    misbehaviour: Misbehaviour

    @classmethod
    def of(cls, jobs: int, seed: int, misbehaviour: Misbehaviour, *, quick: bool) -> Plan:
        """Redis emptied every 30 s and silent for a minute; quick: every 3 s and for 4."""
        return cls(
            jobs=jobs,
            seed=seed,
            flush_every_seconds=3 if quick else 30,
            stand_still_after_seconds=8 if quick else 60,
            stand_still_seconds=4 if quick else 60,
            kill_every_seconds=4 if quick else 10,
            hurt_at_most_seconds=20 if quick else 900,
            converge_seconds=120 if quick else 1800,
            misbehaviour=misbehaviour,
        )


@dataclass
class Report:
    """What happened, in figures; `wrong` is what must not have."""

    promised: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    flushed: int = 0
    done_by_provider: int = 0
    states: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    wrong: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "promised": dict(self.promised), "states": dict(self.states)}


@dataclass
class Stage:
    """Everything that takes part."""

    world: World
    platform: Sandbox
    receiver: Receiver
    broker: Broker
    programs: dict[str, Program]


def play(stage: Stage, plan: Plan) -> Report:
    """Promise the work while it hurts; heal; wait; look."""
    began = time.monotonic()
    outcome = Report()
    with hurting(stage, plan, outcome), proving(stage.platform):
        for promised in promise(stage.world, plan.jobs):
            outcome.promised = promised
        # Not all of it: what is left has to be done by a machine that has healed.
        sooner_or_later(lambda: _waiting() < plan.jobs // 10, within_seconds=plan.hurt_at_most_seconds)
    stage.platform.manners.plan = Misbehaviour()
    stage.receiver.lost_one_in = 0
    with proving(stage.platform):
        if not sooner_or_later(_nothing_waits_or_is_in_doubt, within_seconds=plan.converge_seconds):
            outcome.wrong.append(f"{_waiting()} rows are still on their way")
    reconcile(timezone.now() + timedelta(hours=26))
    outcome.seconds = round(time.monotonic() - began, 1)
    look(stage, outcome)
    return outcome


@contextmanager
def hurting(stage: Stage, plan: Plan, outcome: Report) -> Iterator[None]:
    """Misfortune in the background, for as long as the block lasts. In the end everything runs again."""
    stage.platform.manners.plan = plan.misbehaviour
    stage.receiver.lost_one_in = 5
    misfortune = Misfortune(stage, plan, outcome)
    threads = [threading.Thread(target=each) for each in (misfortune.kill, misfortune.flush, misfortune.stand_still)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        misfortune.over.set()
        for thread in threads:
            thread.join()
        for program in stage.programs.values():
            program.start()


class Misfortune:
    """What is done to our processes and to the broker until it is over, each in a thread of its own."""

    def __init__(self, stage: Stage, plan: Plan, outcome: Report) -> None:
        self._stage, self._plan, self._outcome = stage, plan, outcome
        self._chance = random.Random(plan.seed)
        self.over = threading.Event()

    def kill(self) -> None:
        """A worker, one of its children, or the relay, again and again. A supervisor starts it again."""
        while not self.over.wait(self._plan.kill_every_seconds):
            name = self._chance.choice(("worker", "worker", "relay"))
            program = self._stage.programs[name]
            if name == "worker" and self._chance.random() < 0.7:
                program.kill_a_child(self._chance.randrange(8))
            else:
                program.kill()
                program.start()
            self._outcome.killed += 1

    def flush(self) -> None:
        """Empty the broker again and again."""
        while not self.over.wait(self._plan.flush_every_seconds):
            if self._stage.broker.flush():
                self._outcome.flushed += 1

    def stand_still(self) -> None:
        """Once, the broker answers nothing for a while."""
        if not self.over.wait(self._plan.stand_still_after_seconds):
            self._stage.broker.stand_still()
            self.over.wait(self._plan.stand_still_seconds)
            self._stage.broker.go_on()


@contextmanager
def proving(platform: Sandbox) -> Iterator[None]:
    """The people who get a code type it in, as long as the block lasts."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.5):
            waiting = Verification.objects.filter(status="pending").exclude(provider_id="").select_related("account")
            for verification in waiting[:50]:
                theirs = platform.verifications.get(verification.provider_id)
                if theirs is not None and theirs.code and verification.account is not None:
                    _type_in(verification, theirs.code)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _type_in(verification: Verification, code: str) -> None:
    assert verification.account is not None
    try:
        report(verification.pk, verification.account, code, timezone.now())
    except Exception as refused:  # whoever types a code in may be told to try again
        assert str(refused)  # noqa: PT017 - a sentence for a person


def let_a_day_pass() -> None:
    """What nobody could find out is given up after a day, and some webhooks are due in hours. Nobody waits that long.

    A doubt is made a day older, and what is due much later is due now.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_row SET due_at = now(), doubtful_since = doubtful_since - interval '26 hours' "
            "WHERE state = 'unknown' AND doubtful_since > now() - interval '25 hours'"
        )
        # A look that goes on keeps others away until half a minute from now: that is left alone.
        cursor.execute(
            "UPDATE outbox_row SET due_at = now() "
            "WHERE state IN ('ready', 'retry', 'unknown') AND due_at > now() + interval '30 seconds'"
        )


def look(stage: Stage, outcome: Report) -> None:
    """Hold every promise against what was really done."""
    outcome.states = Counter(Row.objects.values_list("state", flat=True))
    outcome.done_by_provider = len(stage.platform.oracle.done)
    wrong = outcome.wrong
    if twice := stage.platform.oracle.duplicates():
        wrong.append(f"done twice by the provider: {dict(list(twice.items())[:5])} ({len(twice)} in all)")
    if unfinished := {state: n for state, n in outcome.states.items() if state not in FINAL}:
        wrong.append(f"rows in no final state: {unfinished}")
    held = sum(Wallet.objects.values_list("held", flat=True), Decimal(0))
    if held:
        wrong.append(f"{held} is still held")
    wrong.extend(_unpaid(stage))
    missing = set(_webhooks_done()) - set(stage.receiver.ids)
    if missing:
        wrong.append(f"{len(missing)} webhooks are done and were never received")
    wrong.extend(difference.sentence for difference in run_audit(full=True).differences[:10])


def _unpaid(stage: Stage) -> Iterator[str]:
    """What the provider did must be charged, unless nobody could ever know of it; what it did not do must not."""
    done = {(deed.kind.value, deed.reference) for deed in stage.platform.oracle.done}
    with connection.cursor() as cursor:
        for kind, table in (("text", "telephony_textmessage"), ("verification", "telephony_verification")):
            cursor.execute(
                f"SELECT t.id::text, t.price > 0, r.state FROM {table} t "
                "JOIN outbox_row r ON r.subject = t.id AND r.kind = %s",
                [kind],
            )
            for id, charged, state in cursor.fetchall():
                was_done = (kind, id) in done
                if charged and not was_done:
                    yield f"{kind} {id} was charged and never done"
                if was_done and not charged and state == Row.State.DONE:
                    yield f"{kind} {id} was done and not charged"


def _webhooks_done() -> list[str]:
    return [str(id) for id in Row.objects.filter(kind="webhook", state="done").values_list("subject", flat=True)]


def _waiting() -> int:
    return Row.objects.exclude(state__in=FINAL).count()


def _nothing_waits_or_is_in_doubt() -> bool:
    let_a_day_pass()
    return not Row.objects.exclude(state__in=(Row.State.DONE, Row.State.DEAD)).exists()
