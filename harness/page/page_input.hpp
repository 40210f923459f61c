#pragma once

#include <string>
#include <vector>

#include "harness/page/lambda_map.hpp"
#include "harness/plot/material.hpp"
#include "harness/render/report.hpp"
#include "harness/results/published.hpp"

namespace recollect::page {

/// What a page is made of.
struct PageInput {
  std::string source;  ///< where the results are, as it was given
  std::string title;   ///< "": the question that the results can answer
  const plot::Material& material;
  std::vector<Archive> archives;  ///< of the same experiments: configurations and provenance
  std::vector<ConfigurationFile> configurations;  ///< that the experiments are run from
  std::vector<PublishedComparison> published;
  std::vector<LambdaMap> lambda_maps;
};

}  // namespace recollect::page
