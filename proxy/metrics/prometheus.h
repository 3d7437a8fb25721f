// The page that Prometheus scrapes (text format 0.0.4): every metric of contract §6.
//
// Thread: the control thread. Only this file and its .cc know the format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/metrics/process.h"
#include "proxy/metrics/registry.h"

namespace weir::metrics {

/// What the page tells beside the Registry's numbers; filled in by whoever asks for it.
struct Facts {
  struct Split {
    std::string service, version;
    double ratio = 0;  // 0 … 1
  };
  struct Revision {
    std::string service;
    uint64_t revision = 0;
  };
  struct SplitChanges {
    std::string service, source;
    uint64_t count = 0;
  };
  struct Endpoint {
    std::string service, version, endpoint;
    bool up = false;
    uint64_t ejections = 0;
  };
  struct Version {
    std::string service, version;
    bool panic = false, fallback = false;
    uint64_t waiting = 0;  // requests in its queue
  };
  struct Rollout {
    struct Evidence {
      std::string metric, side;  // harm | safety
      double value = 0;          // E
    };
    std::string service, state;
    double stage = 0;  // from 1; 0: not begun
    std::vector<Evidence> evidence;
    std::vector<std::pair<std::string, uint64_t>> transitions;  // by what they were
    HistogramSnapshot judged_after;                             // from a bad event to the look that judged it
  };
  struct Feedback {
    std::string service, version;
    unsigned rating = 0;
    uint64_t count = 0;
  };
  struct HookCalls {
    std::string service, result;  // ok | failed
    uint64_t count = 0;
  };
  struct Certificate {
    std::string listener, certificate;  // certificate: the file of its chain
    double expires = 0;                 // seconds since the epoch
  };
  struct Reloads {
    std::string result;
    uint64_t count = 0;
  };

  std::string version, compiler;  // of this program
  std::string config_hash;        // empty before the first snapshot
  bool last_reload_successful = true;
  bool draining = false;
  uint64_t access_log_lost = 0;  // lines that were handed over and could not be written
  std::vector<Reloads> reloads;
  std::vector<Split> splits;
  std::vector<Revision> revisions;
  std::vector<SplitChanges> split_changes;
  std::vector<Endpoint> endpoints;
  std::vector<Version> versions;
  std::vector<std::string> rollout_states;  // every one there is
  std::vector<Rollout> rollouts;
  std::vector<Feedback> feedback;
  std::vector<HookCalls> hook_calls;
  std::vector<Certificate> certificates;
  ProcessUsage process;
};

/// Renders the page. Combinations never counted are left out, except 2xx and 5xx by the split, so
/// that a rate of either is defined from the start; an error is told from its first time on.
std::string prometheus_page(Registry& registry, const Facts& facts);

}  // namespace weir::metrics
