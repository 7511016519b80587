"""Cards of data sets and adapters, written from facts."""

from auditdm_cards.adapter import adapter_card
from auditdm_cards.dataset import dataset_card

__all__ = ["adapter_card", "dataset_card"]
