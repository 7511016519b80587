"""What can be asked of a scene: 30 skills, their wordings, and executors that answer from the scene graph."""

from auditdm_hub.playground.skills.questions import SKILLS, Answered, parse_question, question_words, solve
from auditdm_hub.playground.skills.skill import Skill

__all__ = ["SKILLS", "Answered", "Skill", "parse_question", "question_words", "solve"]
