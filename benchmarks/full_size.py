"""Models of real sizes with random weights: what they cost does not depend on what they know.

Sizes as published with google/gemma-3-4b-it, google/paligemma2-3b-pt-224, llava-hf/llava-1.5-7b-hf and
HuggingFaceTB/SmolVLM-Instruct (an Idefics3). The tokenizer is the playground's; the vocabularies are the models' own.
Image processors are those that transformers chooses: with torchvision, as on CUDA, they work on tensors.
"""

from collections.abc import Callable
from typing import Any

import torch
import transformers as hf

from auditdm_hub.playground.build.architectures import TEMPLATE
from auditdm_hub.playground.build.vocabulary import tokenizer

Built = tuple[Any, Any]
SO400M: dict[str, Any] = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "patch_size": 14,
}
LONGEST = 8192


def _square(side: int) -> dict[str, int]:
    return {"height": side, "width": side}


def _tokenizer(named: dict[str, str], extra: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - as transformers has it
    made: Any = tokenizer(named, extra)
    made.model_max_length = LONGEST
    return made


def _ends(tok: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"pad_token_id": tok.pad_token_id, "bos_token_id": tok.bos_token_id, "eos_token_id": tok.eos_token_id}


def gemma3_4b() -> Built:
    """Return a Gemma 3 of 4.3 billion parameters; an image is 896 pixels wide and 256 tokens."""
    tok = _tokenizer({"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end>"})
    processor: Any = hf.Gemma3Processor(
        image_processor=hf.Gemma3ImageProcessor(size=_square(896), image_seq_length=256),
        tokenizer=tok,
        image_seq_length=256,
        chat_template=TEMPLATE.replace("IMAGE", "<start_of_image>"),
    )
    text = hf.Gemma3TextConfig(
        vocab_size=262_208, hidden_size=2560, intermediate_size=10_240, num_hidden_layers=34, num_attention_heads=8,
        num_key_value_heads=4, head_dim=256, sliding_window=1024, query_pre_attn_scalar=256,
        max_position_embeddings=LONGEST, **_ends(tok),
    )  # fmt: skip
    config = hf.Gemma3Config(
        text_config=text,
        vision_config=hf.SiglipVisionConfig(**SO400M, image_size=896),
        mm_tokens_per_image=256,
        image_token_index=tok.image_token_id,
        boi_token_index=tok.boi_token_id,
        eoi_token_index=tok.eoi_token_id,
    )
    return hf.Gemma3ForConditionalGeneration(config), processor


def paligemma2_3b() -> Built:
    """Return a PaliGemma 2 of 3.0 billion parameters; an image is 224 pixels wide and 256 tokens."""
    tok = _tokenizer({"image_token": "<image>"})
    images: Any = hf.SiglipImageProcessor(size=_square(224))
    images.image_seq_length = 256
    processor: Any = hf.PaliGemmaProcessor(image_processor=images, tokenizer=tok)
    text = hf.Gemma2Config(
        vocab_size=257_216, hidden_size=2304, intermediate_size=9216, num_hidden_layers=26, num_attention_heads=8,
        num_key_value_heads=4, head_dim=256, sliding_window=4096, query_pre_attn_scalar=256,
        max_position_embeddings=LONGEST, **_ends(tok),
    )  # fmt: skip
    config = hf.PaliGemmaConfig(
        text_config=text.to_dict(),
        vision_config={"model_type": "siglip_vision_model", **SO400M, "image_size": 224, "projection_dim": 2304},
        image_token_index=tok.image_token_id,
        projection_dim=2304,
    )
    return hf.PaliGemmaForConditionalGeneration(config), processor


def llava_7b() -> Built:
    """Return a LLaVA 1.5 of 7.1 billion parameters; an image is 336 pixels wide and 576 tokens."""
    tok = _tokenizer({"image_token": "<image>"})
    processor: Any = hf.LlavaProcessor(
        image_processor=hf.CLIPImageProcessor(size={"shortest_edge": 336}, crop_size=_square(336)),
        tokenizer=tok,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<image>",
        chat_template=TEMPLATE.replace("IMAGE", "<image>"),
    )
    text = hf.LlamaConfig(
        vocab_size=32_064, hidden_size=4096, intermediate_size=11_008, num_hidden_layers=32, num_attention_heads=32,
        max_position_embeddings=LONGEST, **_ends(tok),
    )  # fmt: skip
    vision = hf.CLIPVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=336,
        patch_size=14, projection_dim=768,
    )  # fmt: skip
    config = hf.LlavaConfig(
        text_config=text,
        vision_config=vision,
        image_token_index=tok.image_token_id,
        vision_feature_select_strategy="default",
        vision_feature_layer=-2,
    )
    return hf.LlavaForConditionalGeneration(config), processor


def smolvlm_2b() -> Built:
    """Return an Idefics3 of 2.2 billion parameters; an image is 384 pixels wide, not split, and 81 tokens."""
    extra = ("<fake_token_around_image>", "<end_of_utterance>", "<global-img>")
    tok = _tokenizer({"image_token": "<image>"}, extra)
    processor: Any = hf.Idefics3Processor(
        image_processor=hf.Idefics3ImageProcessor(
            size={"longest_edge": 384}, max_image_size={"longest_edge": 384}, do_image_splitting=False
        ),
        tokenizer=tok,
        image_seq_len=81,
        chat_template=TEMPLATE.replace("IMAGE", "<image>"),
    )
    text = hf.LlamaConfig(
        vocab_size=49_155, hidden_size=2048, intermediate_size=8192, num_hidden_layers=24, num_attention_heads=32,
        max_position_embeddings=LONGEST, **_ends(tok),
    )  # fmt: skip
    make_config: Any = hf.Idefics3Config  # its text configuration's keys are taken, too
    config = make_config(
        text_config=text,
        vision_config={**SO400M, "image_size": 384},
        scale_factor=3,
        image_token_id=tok.image_token_id,
        pad_token_id=tok.pad_token_id,
    )
    return hf.Idefics3ForConditionalGeneration(config), processor


BUILDERS: dict[str, Callable[[], Built]] = {
    "gemma3-4b": gemma3_4b,
    "paligemma2-3b": paligemma2_3b,
    "llava-7b": llava_7b,
    "smolvlm-2b": smolvlm_2b,
}


def build(name: str, device: str, dtype: torch.dtype = torch.bfloat16) -> Built:
    """Return a model of random weights on a device, in evaluation mode, and its processor."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model, processor = BUILDERS[name]()
    finally:
        torch.set_default_dtype(before)
    tok = processor.tokenizer
    model.generation_config = hf.GenerationConfig(**_ends(tok))
    return model.to(device, dtype).eval(), processor
