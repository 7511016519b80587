"""Small models of real transformers classes, with processors that load again without a network or torchvision.

One cell of a scene (16x16 pixels) is one patch of every vision tower, and one patch is one image token.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import transformers as hf
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from auditdm_hub.playground.build.vocabulary import tokenizer
from auditdm_hub.playground.draw import SIZE, TILE
from auditdm_hub.playground.world import SIDE

PATCHES = SIDE * SIDE
IMAGE_SIZE = {"height": SIZE, "width": SIZE}
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}IMAGE{% elif c['type'] == 'text' %}{{ c['text'] }}"
    "{% endif %}{% endfor %}{% endif %}{% if m['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\n' }}{% endif %}"
    "{% endfor %}"
)


# A slow rotation: what a word looks for in the picture hardly depends on how far away it stands.
ROPE = {"rope_type": "default", "rope_theta": 1e6}


@dataclass(frozen=True, slots=True)
class Size:
    """Width and depth of a model: hidden size, text layers, vision layers, attention heads."""

    hidden: int
    text_layers: int
    vision_layers: int
    heads: int = 4


Built = tuple[hf.PreTrainedModel, hf.ProcessorMixin]


def _text(size: Size, tok: hf.PreTrainedTokenizerFast) -> dict[str, Any]:
    return {
        "hidden_size": size.hidden,
        "intermediate_size": 2 * size.hidden,
        "num_hidden_layers": size.text_layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.heads,
        "head_dim": size.hidden // size.heads,
        "vocab_size": len(tok),
        "max_position_embeddings": 256,
        "pad_token_id": tok.pad_token_id,
        "bos_token_id": tok.bos_token_id,
        "eos_token_id": tok.eos_token_id,
        "tie_word_embeddings": False,
        "rope_parameters": ROPE,
    }


def _gemma_text(size: Size, tok: hf.PreTrainedTokenizerFast) -> dict[str, Any]:
    return _text(size, tok) | {
        "sliding_window": 256,
        "query_pre_attn_scalar": size.hidden // size.heads,
        "tie_word_embeddings": True,
    }


def _vision(size: Size) -> dict[str, Any]:
    return {
        "hidden_size": size.hidden,
        "intermediate_size": 2 * size.hidden,
        "num_hidden_layers": size.vision_layers,
        "num_attention_heads": size.heads,
        "image_size": SIZE,
        "patch_size": TILE,
        "num_channels": 3,
    }


def _template(image: str) -> str:
    return TEMPLATE.replace("IMAGE", image)


def paligemma(size: Size) -> Built:
    """Return a PaliGemma: SigLIP tower, Gemma 2 decoder with a bidirectional prefix, no chat template."""
    tok = tokenizer({"image_token": "<image>"})
    images: Any = SiglipImageProcessorPil(size=IMAGE_SIZE)
    images.image_seq_length = PATCHES
    processor = hf.PaliGemmaProcessor(image_processor=images, tokenizer=tok)  # adds 1,152 location tokens
    config = hf.PaliGemmaConfig(
        text_config=hf.Gemma2Config(**_gemma_text(size, tok)).to_dict(),
        vision_config=hf.SiglipVisionConfig(**_vision(size) | {"projection_dim": size.hidden}).to_dict(),
        image_token_index=tok.image_token_id,
        projection_dim=size.hidden,
    )
    config.auditdm_prompt_template = "{question}"
    return hf.PaliGemmaForConditionalGeneration(config), processor


def gemma3(size: Size) -> Built:
    """Return a Gemma 3: SigLIP tower, causal decoder."""
    named = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
    tok = tokenizer(named)
    processor = hf.Gemma3Processor(
        image_processor=Gemma3ImageProcessorPil(size=IMAGE_SIZE, image_seq_length=PATCHES),
        tokenizer=tok,
        image_seq_length=PATCHES,
        chat_template=_template("<start_of_image>"),
    )
    config = hf.Gemma3Config(
        text_config=hf.Gemma3TextConfig(
            **_gemma_text(size, tok) | {"rope_parameters": {"sliding_attention": ROPE, "full_attention": ROPE}}
        ),
        vision_config=hf.SiglipVisionConfig(**_vision(size)),
        mm_tokens_per_image=PATCHES,
        image_token_index=tok.image_token_id,
        boi_token_index=tok.boi_token_id,
        eoi_token_index=tok.eoi_token_id,
    )
    return hf.Gemma3ForConditionalGeneration(config), processor


def llava(size: Size) -> Built:
    """Return a LLaVA: CLIP tower, Llama decoder."""
    tok = tokenizer({"image_token": "<image>"})
    processor = hf.LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": SIZE}, crop_size=IMAGE_SIZE),
        tokenizer=tok,
        patch_size=TILE,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<image>",
        chat_template=_template("<image>"),
    )
    config = hf.LlavaConfig(
        text_config=hf.LlamaConfig(**_text(size, tok)),
        vision_config=hf.CLIPVisionConfig(**_vision(size), projection_dim=size.hidden),
        image_token_index=tok.image_token_id,
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
    )
    return hf.LlavaForConditionalGeneration(config), processor


def idefics3(size: Size) -> Built:
    """Return an Idefics3: its own tower with pixel shuffle off, Llama decoder."""
    extra = ("<fake_token_around_image>", "<end_of_utterance>", "<global-img>")
    tok = tokenizer({"image_token": "<image>"}, extra)
    processor = hf.Idefics3Processor(
        image_processor=Idefics3ImageProcessorPil(
            size={"longest_edge": SIZE}, max_image_size={"longest_edge": SIZE}, do_image_splitting=False
        ),
        tokenizer=tok,
        image_seq_len=PATCHES,
        chat_template=_template("<image>"),
    )
    make_config: Any = hf.Idefics3Config  # its text configuration's keys are taken, too
    config = make_config(
        text_config=hf.LlamaConfig(**_text(size, tok)),
        vision_config=_vision(size),
        scale_factor=1,
        image_token_id=tok.image_token_id,
        pad_token_id=tok.pad_token_id,
    )
    return hf.Idefics3ForConditionalGeneration(config), processor


def aya_vision(size: Size) -> Built:
    """Return an Aya Vision: SigLIP tower, gated projector without pixel shuffle, Cohere 2 decoder."""
    extra = ("<|START_OF_IMG|>", "<|END_OF_IMG|>", "<|IMG_LINE_BREAK|>", "TILE", "TILE_GLOBAL")
    tok = tokenizer({"image_token": "<|IMG_PATCH|>"}, extra)
    processor = hf.AyaVisionProcessor(
        image_processor=GotOcr2ImageProcessorPil(size=IMAGE_SIZE, crop_to_patches=False),
        tokenizer=tok,
        patch_size=TILE,
        img_size=SIZE,
        downsample_factor=1,
        image_token="<image>",
        chat_template=_template("<image>"),
    )
    make_config: Any = hf.AyaVisionConfig  # alignment_intermediate_size is read, but not declared
    config = make_config(
        text_config=hf.Cohere2Config(**_text(size, tok) | {"sliding_window": 256, "logit_scale": 1.0}),
        vision_config=hf.SiglipVisionConfig(**_vision(size)),
        image_token_index=tok.image_token_id,
        downsample_factor=1,
        adapter_layer_norm_eps=1e-6,
        vision_feature_layer=-1,
        alignment_intermediate_size=2 * size.hidden,
        tie_word_embeddings=False,
    )
    return hf.AyaVisionForConditionalGeneration(config), processor


BUILDERS: dict[str, Callable[[Size], Built]] = {
    "paligemma": paligemma,
    "gemma3": gemma3,
    "llava": llava,
    "idefics3": idefics3,
    "aya_vision": aya_vision,
}


def build(family: str, size: Size, seed: int) -> Built:
    """Return an untrained model of that family in fp32, and its processor."""
    torch.manual_seed(seed)
    model, processor = BUILDERS[family](size)
    tok = processor.tokenizer
    model.generation_config = hf.GenerationConfig(
        eos_token_id=tok.eos_token_id, pad_token_id=tok.pad_token_id, bos_token_id=tok.bos_token_id
    )
    _initialise(model)
    return model.float(), processor


def _initialise(model: hf.PreTrainedModel) -> None:
    """Draw weights that let a small decoder look things up from its first step.

    The classes' own start (0.02, zeros for Gemma 3's projection) is made for widths of thousands: at a hundred it
    leaves attention flat, places faint and words drowned in the noise of the layers, and training stays for thousands
    of steps where a question is answered without a look at the picture. So word and image tokens have unit variance;
    an attention's output is the inverse of its values: it copies what it attends to; and the feed-forward layers start
    with a tenth of their weight.
    """
    for name, weight in model.named_parameters():
        if name.endswith("position_embedding.weight"):
            torch.nn.init.normal_(weight, std=0.3)
        elif name.endswith("mm_input_projection_weight"):
            torch.nn.init.normal_(weight, std=weight.shape[0] ** -0.5)
        elif weight.ndim >= 2:
            torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
    words: Any = model.get_input_embeddings()
    if not hasattr(words, "embed_scale"):  # Gemma scales its word embeddings itself
        torch.nn.init.normal_(words.weight)
    with torch.no_grad():
        for module in model.get_decoder().modules():
            _initialise_layer(module)


def _initialise_layer(module: torch.nn.Module) -> None:
    """Make an attention copy what it attends to, and a feed-forward layer faint."""
    held: Any = module
    if hasattr(module, "q_proj") and hasattr(module, "o_proj"):
        for projection in (held.q_proj, held.k_proj, held.v_proj):
            torch.nn.init.orthogonal_(projection.weight)
        held.o_proj.weight.copy_(held.v_proj.weight.T)
    if hasattr(module, "post_feedforward_layernorm"):  # Gemma: output = (1 + weight) x normalised
        held.post_feedforward_layernorm.weight.fill_(-0.9)
    elif hasattr(module, "down_proj"):
        held.down_proj.weight.mul_(0.1)
