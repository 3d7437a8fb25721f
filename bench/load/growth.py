"""How weir's cost grows: with rules, services, endpoints, connections, workers, bodies, changes and overload; and what
each feature adds."""

from compare import endpoints, rules, sends, services, workers
from features import features
from memory import body, idle, idle_tls, slow_readers
from upheaval import changes, overload

GROWTH = {"rules": rules, "services": services, "endpoints": endpoints, "workers": workers, "sends": sends, "idle": idle,
          "idle-tls": idle_tls, "body": body, "slow": slow_readers, "changes": changes, "overload": overload,
          "features": features}


def print_growth(one):
    verdict = "" if one["met"] is None else ": met" if one["met"] else ": MISSED"
    wanted = f", {one['wanted']}" if one["wanted"] else ""
    print(f"  {one['title']}: {one['measured']}{wanted}{verdict}")
    if one["errors"]:
        print(f"    errors: {one['errors']:,}, first: {' '.join(one['first_error'].split())[:300]}")
