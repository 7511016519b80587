"""Tiny random models of the families whose processors also take videos, and so need torchvision.

It is no dependency: wheels of it are built against CUDA. Where it can be imported (a CUDA install, `make test-vision`),
these families are tested like the others; elsewhere they stand in allowed_skips.txt.
"""

from collections.abc import Callable
from importlib.util import find_spec

import pytest
import transformers as hf
from tiny_models import PATCH, SIDE, TEMPLATE, TOKENS, WIDTH, Built, text_config, tokenizer, vision_config

THERE = all(find_spec(name) for name in ("torchvision", "num2words", "timm"))
MARKS = (
    pytest.mark.vision,
    pytest.mark.skipif(not THERE, reason="its processor takes videos, too, and needs torchvision, as make test-vision"),
)
GRID = [[SIDE, SIDE], [SIDE, 2 * SIDE]]


def llava_onevision() -> Built:
    tok = tokenizer({"image_token": "<image>", "video_token": "<video>"})
    processor = hf.LlavaOnevisionProcessor(
        image_processor=hf.LlavaOnevisionImageProcessor(
            size={"height": SIDE, "width": SIDE}, image_grid_pinpoints=GRID
        ),
        tokenizer=tok,
        video_processor=hf.LlavaOnevisionVideoProcessor(size={"height": SIDE, "width": SIDE}),
        num_image_tokens=TOKENS,
        vision_feature_select_strategy="full",
        chat_template=TEMPLATE.replace("IMAGE", "<image>"),
    )
    config = hf.LlavaOnevisionConfig(
        text_config=hf.Qwen2Config(**text_config(tok)),
        vision_config=hf.SiglipVisionConfig(**vision_config()),
        image_token_index=tok.image_token_id,
        video_token_index=tok.video_token_id,
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        image_grid_pinpoints=GRID,
    )
    return hf.LlavaOnevisionForConditionalGeneration(config), processor


def smolvlm() -> Built:
    named = {"image_token": "<image>", "fake_image_token": "<fake_token_around_image>",
             "global_image_token": "<global-img>"}  # fmt: skip
    tok = tokenizer(named, ("<end_of_utterance>",))
    processor = hf.SmolVLMProcessor(
        image_processor=hf.SmolVLMImageProcessor(
            size={"longest_edge": SIDE}, max_image_size={"longest_edge": SIDE}, do_image_splitting=False
        ),
        tokenizer=tok,
        video_processor=hf.SmolVLMVideoProcessor(size={"longest_edge": SIDE}, max_image_size={"longest_edge": SIDE}),
        image_seq_len=TOKENS,
        chat_template=TEMPLATE.replace("IMAGE", "<image>"),
    )
    config = hf.SmolVLMConfig(
        text_config=hf.LlamaConfig(**text_config(tok)),
        vision_config=vision_config(),
        scale_factor=1,
        image_token_id=tok.image_token_id,
        pad_token_id=tok.pad_token_id,
    )
    return hf.SmolVLMForConditionalGeneration(config), processor


def _qwen(
    processor_class: type, video_class: type, vision: dict[str, object], config_class: type, model_class: type
) -> Built:
    named = {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>", "vision_start_token": "<|vision_start|>",
             "vision_end_token": "<|vision_end|>"}  # fmt: skip
    tok = tokenizer(named)
    patches = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 2}
    processor = processor_class(
        image_processor=hf.Qwen2VLImageProcessor(min_pixels=SIDE * SIDE, max_pixels=4 * SIDE * SIDE, **patches),
        tokenizer=tok,
        video_processor=video_class(min_pixels=SIDE * SIDE, max_pixels=4 * SIDE * SIDE, **patches),
        chat_template=TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>"),
    )
    text = text_config(tok) | {
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}
    }
    shared = {"depth": 2, "hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_heads": 2, "patch_size": 8,
              "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": WIDTH}  # fmt: skip
    ids = {f"{name}_id": tok.convert_tokens_to_ids(token) for name, token in named.items()}
    config = config_class(text_config=text, vision_config={**shared, **vision}, **ids)
    return model_class(config), processor


def qwen2_5_vl() -> Built:
    return _qwen(
        hf.Qwen2_5_VLProcessor, hf.Qwen2VLVideoProcessor, {"window_size": 32, "fullatt_block_indexes": [1]},
        hf.Qwen2_5_VLConfig, hf.Qwen2_5_VLForConditionalGeneration,
    )  # fmt: skip


def qwen3_vl() -> Built:
    return _qwen(
        hf.Qwen3VLProcessor, hf.Qwen3VLVideoProcessor,
        {"num_position_embeddings": 64, "deepstack_visual_indexes": [0]}, hf.Qwen3VLConfig,
        hf.Qwen3VLForConditionalGeneration,
    )  # fmt: skip


def internvl() -> Built:
    named = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>",
             "video_token": "<video>"}  # fmt: skip
    tok = tokenizer(named)
    processor = hf.InternVLProcessor(
        image_processor=hf.GotOcr2ImageProcessor(size={"height": SIDE, "width": SIDE}, crop_to_patches=False),
        tokenizer=tok,
        video_processor=hf.InternVLVideoProcessor(size={"height": SIDE, "width": SIDE}),
        image_seq_length=1,
        chat_template=TEMPLATE.replace("IMAGE", "<IMG_CONTEXT>"),
    )
    vision = hf.InternVLVisionConfig(
        hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=1, num_attention_heads=2,
        image_size=[SIDE, SIDE], patch_size=[PATCH, PATCH],
    )  # fmt: skip
    config = hf.InternVLConfig(
        text_config=hf.Qwen2Config(**text_config(tok)),
        vision_config=vision,
        image_token_id=tok.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=1,
        downsample_ratio=0.5,
    )
    return hf.InternVLForConditionalGeneration(config), processor


def gemma4() -> Built:
    named = {"image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>", "audio_token": "<|audio|>",
             "boa_token": "<|audio>", "eoa_token": "<audio|>"}  # fmt: skip
    tok = tokenizer(named, ("<|video|>",), writes_bos=True)
    patches = {"patch_size": 8, "max_soft_tokens": 70, "pooling_kernel_size": 2}
    processor = hf.Gemma4Processor(
        feature_extractor=hf.Gemma4AudioFeatureExtractor(),
        image_processor=hf.Gemma4ImageProcessor(**patches),
        tokenizer=tok,
        video_processor=hf.Gemma4VideoProcessor(**patches),
        image_seq_length=70,
        chat_template=TEMPLATE.replace("IMAGE", "<|image|>"),
    )
    layers = ["sliding_attention", "full_attention"]
    text = text_config(tok) | {"hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": len(tok),
                               "sliding_window": 256, "global_head_dim": 16, "layer_types": layers}  # fmt: skip
    vision = {
        "hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 2, "head_dim": 16, "patch_size": 8, "pooling_kernel_size": 2,
        "position_embedding_size": 128,
    }  # fmt: skip
    ids = {"boi_token_id": "<|image>", "eoi_token_id": "<image|>", "image_token_id": "<|image|>",
           "audio_token_id": "<|audio|>", "boa_token_id": "<|audio>", "eoa_token_index": "<audio|>",
           "video_token_id": "<|video|>"}  # fmt: skip
    config = hf.Gemma4Config(
        text_config=text, vision_config=vision, audio_config=None,
        **{name: tok.convert_tokens_to_ids(token) for name, token in ids.items()},
    )  # fmt: skip
    return hf.Gemma4ForConditionalGeneration(config), processor


def gemma3n() -> Built:
    """Its tower comes from timm: the smallest with as many places as there are tokens."""
    named = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
             "audio_token": "<audio_soft_token>", "boa_token": "<start_of_audio>",
             "eoa_token": "<end_of_audio>"}  # fmt: skip
    tok = tokenizer(named)
    processor = hf.Gemma3nProcessor(
        feature_extractor=hf.Gemma3nAudioFeatureExtractor(),
        image_processor=hf.SiglipImageProcessor(size={"height": 2 * SIDE, "width": 2 * SIDE}),
        tokenizer=tok,
        image_seq_length=TOKENS,
        chat_template=TEMPLATE.replace("IMAGE", "<image_soft_token>"),
    )
    text = text_config(tok) | {
        "hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": len(tok), "num_kv_shared_layers": 0,
        "layer_types": ["sliding_attention", "full_attention"], "laurel_rank": 8, "altup_num_inputs": 4,
    }  # fmt: skip
    ids = {"boi_token_id": "boi_token", "eoi_token_id": "eoi_token", "image_token_id": "image_token",
           "audio_token_id": "audio_token", "boa_token_id": "boa_token", "eoa_token_id": "eoa_token"}  # fmt: skip
    config = hf.Gemma3nConfig(
        text_config=text,
        vision_config={"architecture": "test_convnext", "hidden_size": 64, "vocab_offset": len(tok), "vocab_size": 8},
        audio_config={
            "vocab_offset": len(tok) + 8, "vocab_size": 8, "hidden_size": WIDTH, "conf_num_hidden_layers": 1,
            "conf_num_attention_heads": 2,
        },
        vision_soft_tokens_per_image=TOKENS,
        **{name: tok.convert_tokens_to_ids(named[token]) for name, token in ids.items()},
    )  # fmt: skip
    return hf.Gemma3nForConditionalGeneration(config), processor


BUILDERS: dict[str, Callable[[], Built]] = {
    "gemma3n": gemma3n,
    "llava_onevision": llava_onevision,
    "smolvlm": smolvlm,
    "qwen2_5_vl": qwen2_5_vl,
    "qwen3_vl": qwen3_vl,
    "internvl": internvl,
    "gemma4": gemma4,
}
