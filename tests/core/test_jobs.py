"""Jobs: one run at a time in a process, and no wake-up is lost by it."""

import threading

from omnistra.core.jobs import _Turn


def test_whoever_comes_while_a_job_runs_makes_it_look_once_more_and_holds_no_thread():
    turn, runs = _Turn(), []
    inside, go_on = threading.Event(), threading.Event()

    def work() -> None:
        runs.append(threading.current_thread().name)
        inside.set()
        go_on.wait(10)

    first = threading.Thread(target=turn.take, args=(work,), name="first")
    first.start()
    assert inside.wait(10)
    late = [threading.Thread(target=turn.take, args=(work,)) for _ in range(5)]
    for each in late:
        each.start()
    for each in late:
        each.join(10)  # they came back at once, though the job still runs
        assert not each.is_alive()
    assert runs == ["first"]
    go_on.set()
    first.join(10)
    assert runs == ["first", "first"]


def test_a_job_that_fails_gives_its_turn_back():
    turn, runs = _Turn(), []

    def fail() -> None:
        runs.append("failed")
        raise ValueError

    for _ in range(2):
        try:
            turn.take(fail)
        except ValueError:
            pass
    turn.take(lambda: runs.append("done"))
    assert runs == ["failed", "failed", "done"]
