"""A tiny random Gemma3 auditor with a word-level tokenizer, written to a folder as transformers reads it."""

from pathlib import Path

import torch
import transformers as T
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

SPECIALS = ["<pad>", "<eos>", "<bos>", "<unk>", "<image_soft_token>", "<start_of_image>", "<end_of_image>"]
TURNS = ["<start_of_turn>", "<end_of_turn>"]
# Not special tokens: decoding would leave them out.
TAGS = ["<question>", "<caption>", "<edit>"]
WORDS = "? . , user model ask draw edit for how many what is the a red green blue circle star there color".split()
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %} <start_of_turn> {{ m['role'] }}{% if m['content'] is string %} "
    "{{ m['content'] }}{% else %}{% for c in m['content'] %}{% if c['type'] == 'image' %} <start_of_image> "
    "{% elif c['type'] == 'text' %} {{ c['text'] }}{% endif %}{% endfor %}{% endif %} <end_of_turn>{% endfor %}"
    "{% if add_generation_prompt %} <start_of_turn> model{% endif %}"
)


def build_tokenizer(words: int) -> T.PreTrainedTokenizerFast:
    filler = [f"w{n}" for n in range(words)]
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys(SPECIALS + TURNS + TAGS + WORDS + filler))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("?", "isolated")]
    )
    return T.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        unk_token="<unk>",
        extra_special_tokens={
            "image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
        },
        additional_special_tokens=TURNS,
        padding_side="left",
        model_max_length=512,
    )  # fmt: skip


def build_auditor(folder: Path, hidden: int = 32, layers: int = 2, side: int = 32, words: int = 0) -> Path:
    """Write a random model whose 16-pixel patches are one image token each, and its processor."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer(words)
    tokens = (side // 16) ** 2
    images = Gemma3ImageProcessorPil(size={"height": side, "width": side}, image_seq_length=tokens)
    processor = T.Gemma3Processor(
        image_processor=images, tokenizer=tokenizer, image_seq_length=tokens, chat_template=TEMPLATE
    )
    text = T.Gemma3TextConfig(
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=hidden // 4,
        query_pre_attn_scalar=hidden // 4,
        vocab_size=len(tokenizer),
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
        sliding_window=64,
        max_position_embeddings=256,
    )
    vision = T.SiglipVisionConfig(
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        image_size=side,
        patch_size=16,
    )
    config = T.Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=tokens,
        image_token_index=tokenizer.convert_tokens_to_ids("<image_soft_token>"),
        boi_token_index=tokenizer.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tokenizer.convert_tokens_to_ids("<end_of_image>"),
    )
    model = T.Gemma3ForConditionalGeneration(config)
    with torch.no_grad():
        # As it is, no adapter could make a token likely: |logits| <= |hidden| |embedding| < 1.
        model.get_input_embeddings().weight.mul_(10)
    model.generation_config = T.GenerationConfig(eos_token_id=1, pad_token_id=0, bos_token_id=2)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
