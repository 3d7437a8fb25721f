// Of what `./dev judge` prints the few lines that README.md shows.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/judge/simulate.h"

namespace weir::judge {

inline constexpr const char* kHealthy = "Nothing is wrong with the candidate";
inline constexpr const char* kBarelyHarmful = "It fails for fewer than 0.05% of its users";

/// By world, or by these titles for all of their worlds; of each gate, weir's first, then 99% a minute, then the
/// z-test.
using Results = std::map<std::string, std::vector<Tally>>;

double percent(uint64_t part, uint64_t all);
/// `–`: there is none.
std::string median(std::vector<double> values);

/// `runs` of each world that is not harmful.
std::string summary(const Results& results, uint64_t runs);

}  // namespace weir::judge
