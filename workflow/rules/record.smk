"""Who ran what and when, in decisions/ledger.jsonl: written by the controlling process alone."""

from petproc.workflow.record import run_finished, run_started


onstart:
    run_started(PLAN)


onsuccess:
    run_finished(PLAN, "ok")


onerror:
    run_finished(PLAN, "failed")
