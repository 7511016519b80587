# ruff: noqa: ANN401 - neither library has a common type for its models
"""Untrained pipelines of real diffusers classes, small enough for a CPU, saved as a user's are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers as hf
from tokenizers.pre_tokenizers import ByteLevel

LETTERS = sorted(ByteLevel.alphabet())
HIDDEN = 32


def clip_tokenizer() -> Any:
    words = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    return hf.CLIPTokenizer({word: k for k, word in enumerate(words)}, merges=[], model_max_length=77)


def clip_text(projected: bool = False) -> Any:
    tok = clip_tokenizer()
    config = hf.CLIPTextConfig(
        vocab_size=len(tok), hidden_size=HIDDEN, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=77, projection_dim=HIDDEN, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    return hf.CLIPTextModelWithProjection(config) if projected else hf.CLIPTextModel(config)


def t5_tokenizer() -> Any:
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in LETTERS)]
    return hf.T5Tokenizer(pieces, extra_ids=0, model_max_length=64)


def t5_text() -> Any:
    return hf.T5EncoderModel(
        hf.T5Config(
            vocab_size=320, d_model=HIDDEN, d_kv=8, d_ff=37, num_layers=2, num_heads=4, decoder_start_token_id=0
        )
    )


def autoencoder(channels: int, **more: Any) -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(32, 64), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=channels, **more,
    )  # fmt: skip


def instruct_pix2pix() -> Any:
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=16, in_channels=8, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=HIDDEN, attention_head_dim=4,
    )  # fmt: skip
    return diffusers.StableDiffusionInstructPix2PixPipeline(
        vae=autoencoder(4), text_encoder=clip_text(), tokenizer=clip_tokenizer(), unet=unet,
        scheduler=diffusers.EulerAncestralDiscreteScheduler(), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip


def stable_diffusion_3() -> Any:
    transformer = diffusers.SD3Transformer2DModel(
        sample_size=16, patch_size=1, in_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=4,
        caption_projection_dim=32, joint_attention_dim=HIDDEN, pooled_projection_dim=2 * HIDDEN, out_channels=4,
    )  # fmt: skip
    return diffusers.StableDiffusion3Pipeline(
        transformer=transformer, scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=autoencoder(4, shift_factor=0.06, scaling_factor=1.5, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip_text(True), tokenizer=clip_tokenizer(), text_encoder_2=clip_text(True),
        tokenizer_2=clip_tokenizer(), text_encoder_3=t5_text(), tokenizer_3=t5_tokenizer(),
    )  # fmt: skip


def _flux_parts() -> dict[str, Any]:
    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1, in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=HIDDEN, pooled_projection_dim=HIDDEN, axes_dims_rope=(4, 4, 8), guidance_embeds=True,
    )  # fmt: skip
    vae = autoencoder(1, shift_factor=0.06, scaling_factor=1.5, use_quant_conv=False, use_post_quant_conv=False)
    return {
        "transformer": transformer, "vae": vae, "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(),
        "text_encoder": clip_text(), "tokenizer": clip_tokenizer(), "text_encoder_2": t5_text(),
        "tokenizer_2": t5_tokenizer(),
    }  # fmt: skip


def flux() -> Any:
    return diffusers.FluxPipeline(**_flux_parts())


def flux_kontext() -> Any:
    return diffusers.FluxKontextPipeline(**_flux_parts())


def qwen_image_edit() -> Any:
    """It reads image and instruction with a Qwen2.5-VL, whose processor needs torchvision."""
    import tiny_torchvision

    encoder, processor = tiny_torchvision.qwen2_5_vl()
    transformer = diffusers.QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=HIDDEN, axes_dims_rope=(8, 4, 4),
    )  # fmt: skip
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=4, z_dim=4, dim_mult=[1, 2, 2, 2, 2], num_res_blocks=1, temperal_downsample=[False, True, True, True],
        latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
    )  # fmt: skip
    return diffusers.QwenImageEditPipeline(
        transformer=transformer, vae=vae, scheduler=diffusers.FlowMatchEulerDiscreteScheduler(), text_encoder=encoder,
        tokenizer=processor.tokenizer, processor=processor,
    )  # fmt: skip


GENERATORS: dict[str, Callable[[], Any]] = {"flux": flux, "stable-diffusion-3": stable_diffusion_3}
EDITORS: dict[str, Callable[[], Any]] = {"flux-kontext": flux_kontext, "instruct-pix2pix": instruct_pix2pix}
NEED_TORCHVISION: dict[str, Callable[[], Any]] = {"qwen-image-edit": qwen_image_edit}


def save(name: str, folder: Path) -> Path:
    """Save a pipeline of random weights and return its folder."""
    torch.manual_seed(0)
    path = folder / name
    {**GENERATORS, **EDITORS, **NEED_TORCHVISION}[name]().save_pretrained(path)
    return path
