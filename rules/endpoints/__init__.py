"""What the trial ends in: responses, times and analysis sets, from the same facts as the audit.

from rules.endpoints import outcomes

found = outcomes(protocol.read("uc-msc-saa"), rules.read_study("study/"))
found.results, found.participants, found.sets, found.published      # polars.DataFrame
"""

from rules.endpoints.outcomes import Outcomes, outcomes

__all__ = ["Outcomes", "outcomes"]
