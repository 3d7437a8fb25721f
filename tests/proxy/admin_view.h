// Two services to look at, made by hand: the routing room's compiler is not what is tested here.
#pragma once

#include <chrono>
#include <memory>

#include "proxy/admin/api.h"

namespace weir::admin {

inline config::Service make_shop() {
  config::Service shop;
  shop.name = "shop";
  shop.match = {{"shop.example", "/"}, {"*.shop.example", ""}};
  shop.cohort.keys = {{config::CohortKey::Kind::cookie, "uid"}, {config::CohortKey::Kind::client_ip, ""}};
  shop.cohort.salt = "shop-2026-11";
  shop.stable = "old";
  shop.versions.resize(2);
  shop.versions[0].name = "old";
  shop.versions[0].endpoints = {{*config::parse_address("127.0.0.1:9001")}, {*config::parse_address("shop-2:9011")}};
  shop.versions[1].name = "new";
  shop.versions[1].endpoints = {{*config::parse_address("127.0.0.1:9002")}};
  shop.rules.resize(2);
  shop.rules[0].name = "staff";
  shop.rules[0].send = "new";
  shop.rules[1].name = "south";
  shop.rules[1].split = config::Split{{{"new", config::Share{500'000}}}, {}};
  return shop;
}

inline config::Service make_lone() {
  config::Service lone;
  lone.name = "a/b";
  lone.stable = "only";
  lone.versions.resize(1);
  lone.versions[0].name = "only";
  lone.versions[0].endpoints = {{*config::parse_address("127.0.0.1:9003")}};
  return lone;
}

/// `shop` with its candidate at 10%, of which 12.5% was seen, and `a/b` with one version and no request.
inline View make_view() {
  auto config = std::make_shared<config::Config>();
  config->services = {make_shop(), make_lone()};
  auto snapshot = std::make_shared<routing::Snapshot>();
  snapshot->config = config;
  snapshot->services.resize(2);
  auto& shop = snapshot->services[0];
  shop.name = "shop";
  shop.versions = {{"old"}, {"new"}};
  shop.candidate = 1;
  shop.has_candidate = true;
  shop.share = config::Share{100'000};
  shop.revision = 7;
  snapshot->services[1].name = "a/b";
  snapshot->services[1].versions = {{"only"}};

  metrics::VersionSummary old_numbers, new_numbers;
  old_numbers.name = {"shop", "old"};
  old_numbers.decided[metrics::kBySplit] = 70;
  old_numbers.requests[2] = 70;
  new_numbers.name = {"shop", "new"};
  new_numbers.decided[metrics::kBySplit] = 10;
  new_numbers.requests = {1, 0, 6, 0, 0, 3};
  new_numbers.errors = 2;
  new_numbers.in_flight = 5;
  metrics::Histogram durations;
  durations.record(std::chrono::milliseconds(20));
  new_numbers.duration.add(durations);

  View view;
  view.snapshot = snapshot;
  view.numbers = {new_numbers, old_numbers};
  view.endpoints = {{.service = "shop", .version = "old", .address = "127.0.0.1:9001", .up = true, .connections = 4},
                    {.service = "shop",
                     .version = "new",
                     .address = "127.0.0.1:9002",
                     .why = "ejected",
                     .for_another = std::chrono::milliseconds(7500),
                     .ejections = 3}};
  view.versions = {{.service = "shop", .version = "new", .available = false, .back_in = std::chrono::seconds(20)}};
  return view;
}

}  // namespace weir::admin
