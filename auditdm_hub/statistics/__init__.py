"""Intervals, exact tests, multiple testing and diversity: the leaf that every claim of a report rests on."""

from auditdm_hub.statistics.diversity import accumulation, chao1, effective_number, entropy, unseen_mass
from auditdm_hub.statistics.exact import binomial_above, fisher_above, mcnemar_above
from auditdm_hub.statistics.intervals import Interval, clopper_pearson, wilson
from auditdm_hub.statistics.margin import margin_above, margin_power
from auditdm_hub.statistics.multiple import benjamini_hochberg, holm
from auditdm_hub.statistics.paired import PairedDifference, mcnemar, mean_interval, paired_difference
from auditdm_hub.statistics.voters import effective_voters

__all__ = [
    "Interval",
    "PairedDifference",
    "accumulation",
    "benjamini_hochberg",
    "binomial_above",
    "chao1",
    "clopper_pearson",
    "effective_number",
    "effective_voters",
    "entropy",
    "fisher_above",
    "holm",
    "margin_above",
    "margin_power",
    "mcnemar",
    "mcnemar_above",
    "mean_interval",
    "paired_difference",
    "unseen_mass",
    "wilson",
]
