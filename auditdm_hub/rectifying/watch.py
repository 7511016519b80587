"""What happens beside the fine-tuning: as beside the training of an auditor."""

from auditdm_hub.auditing.watch import Watch


class TuningWatch(Watch):
    """Watches a fine-tuning, which looks at held-out rows, too."""

    what = "fine-tuning"
    remedy = "nothing was written over; take a smaller learning rate"
    figures = ("loss", "eval_loss")
