"""Tiny random models of real transformers classes with processors, written to disk in well under a second each.

Their answers mean nothing, but they are deterministic, differ between questions and between images, and are of several
tokens, which is what tests of loading, batching and caching need.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

SIDE, PATCH, TOKENS, WIDTH = 32, 16, 4, 32
SPECIALS = ["<pad>", "<eos>", "<bos>", "<unk>"]
WORDS = (
    "a the is are there this what where who how many color shape of in on to left right red green blue yellow one two "
    "three four five circle square triangle star yes no cat dog user model ask make caption question edit ? . , < > /"
).split()
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ m['role'] }} {% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}IMAGE{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{% endif %}\n{% endfor %}{% if add_generation_prompt %}model {% endif %}"
)


def tokenizer(
    named: dict[str, str], extra: tuple[str, ...] = (), *, writes_bos: bool = False
) -> hf.PreTrainedTokenizerFast:
    """Words of a small language, and letters; `writes_bos` = the first token comes by itself, as Gemma's does."""
    pieces = [*SPECIALS, *named.values(), *extra, *(chr(k) for k in range(32, 127)), "\n"]
    vocabulary = {piece: k for k, piece in enumerate(dict.fromkeys([*pieces, *WORDS]))}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(" ", "removed"), pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.Punctuation()]
    )
    if writes_bos:
        core.post_processor = processors.TemplateProcessing(
            single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", vocabulary["<bos>"])]
        )
    core.decoder = decoders.WordPiece(cleanup=True)
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        unk_token="<unk>",
        extra_special_tokens={**named, **{f"extra_{k}": token for k, token in enumerate(extra)}},
        padding_side="left",
    )


def text_config(tok: hf.PreTrainedTokenizerFast) -> dict[str, object]:
    return {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "vocab_size": len(tok),
        "max_position_embeddings": 256,
        "pad_token_id": tok.pad_token_id,
        "bos_token_id": tok.bos_token_id,
        "eos_token_id": tok.eos_token_id,
        "initializer_range": 0.3,  # wide, so that answers differ
    }


def vision_config() -> dict[str, object]:
    return {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "patch_size": PATCH,
        "num_channels": 3,
        "initializer_range": 0.3,
    }


Built = tuple[hf.PreTrainedModel, hf.ProcessorMixin]


def gemma3() -> Built:
    tok = tokenizer(
        {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"},
        writes_bos=True,
    )
    images = Gemma3ImageProcessorPil(size={"height": SIDE, "width": SIDE}, image_seq_length=TOKENS)
    processor = hf.Gemma3Processor(
        image_processor=images,
        tokenizer=tok,
        image_seq_length=TOKENS,
        chat_template=TEMPLATE.replace("IMAGE", "<start_of_image>"),
    )
    text = hf.Gemma3TextConfig(**text_config(tok), sliding_window=64, query_pre_attn_scalar=16)
    config = hf.Gemma3Config(
        text_config=text,
        vision_config=hf.SiglipVisionConfig(**vision_config()),
        mm_tokens_per_image=TOKENS,
        image_token_index=tok.image_token_id,
        boi_token_index=tok.boi_token_id,
        eoi_token_index=tok.eoi_token_id,
        initializer_range=0.3,
    )
    return hf.Gemma3ForConditionalGeneration(config), processor


AROUND_IMAGES = ("<fake_token_around_image>", "<end_of_utterance>", "<global-img>")


def paligemma() -> Built:
    tok = tokenizer({"image_token": "<image>"})
    images = SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    images.image_seq_length = TOKENS
    processor = hf.PaliGemmaProcessor(image_processor=images, tokenizer=tok)
    config = hf.PaliGemmaConfig(
        text_config=hf.Gemma2Config(**text_config(tok), sliding_window=64, query_pre_attn_scalar=16).to_dict(),
        vision_config=hf.SiglipVisionConfig(**vision_config(), projection_dim=WIDTH).to_dict(),
        image_token_index=tok.image_token_id,
        projection_dim=WIDTH,
    )
    return hf.PaliGemmaForConditionalGeneration(config), processor


def idefics3(tiles: bool = False) -> Built:
    """Build the model; with `tiles` its processor cuts an image into as many as fit it, as it does by default."""
    places = tuple(f"<row_{row}_col_{column}>" for row in range(1, 4) for column in range(1, 4)) if tiles else ()
    tok = tokenizer({"image_token": "<image>"}, (*AROUND_IMAGES, *places))
    longest = {"longest_edge": 2 * SIDE if tiles else SIDE}
    images = Idefics3ImageProcessorPil(size=longest, max_image_size={"longest_edge": SIDE}, do_image_splitting=tiles)
    processor = hf.Idefics3Processor(
        image_processor=images, tokenizer=tok, image_seq_len=TOKENS, chat_template=TEMPLATE.replace("IMAGE", "<image>")
    )
    config = hf.Idefics3Config(
        text_config=hf.LlamaConfig(**text_config(tok)),
        vision_config=vision_config(),
        scale_factor=1,
        image_token_id=tok.image_token_id,
        pad_token_id=tok.pad_token_id,
    )
    return hf.Idefics3ForConditionalGeneration(config), processor


def llava() -> Built:
    tok = tokenizer({"image_token": "<image>"})
    processor = hf.LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}),
        tokenizer=tok,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<image>",
        chat_template=TEMPLATE.replace("IMAGE", "<image>"),
    )
    config = hf.LlavaConfig(
        text_config=hf.LlamaConfig(**text_config(tok)),
        vision_config=hf.CLIPVisionConfig(**vision_config(), projection_dim=WIDTH),
        image_token_index=tok.image_token_id,
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
    )
    return hf.LlavaForConditionalGeneration(config), processor


def llava_next() -> Built:
    tok, grid = tokenizer({"image_token": "<image>"}), [[SIDE, 2 * SIDE], [2 * SIDE, SIDE]]
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, image_grid_pinpoints=grid
    )
    processor = hf.LlavaNextProcessor(
        image_processor=images,
        tokenizer=tok,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<image>",
        chat_template=TEMPLATE.replace("IMAGE", "<image>"),
    )
    config = hf.LlavaNextConfig(
        text_config=hf.LlamaConfig(**text_config(tok)),
        vision_config=hf.CLIPVisionConfig(**vision_config(), projection_dim=WIDTH),
        image_token_index=tok.image_token_id,
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
        image_grid_pinpoints=grid,
    )
    return hf.LlavaNextForConditionalGeneration(config), processor


BUILDERS: dict[str, Callable[[], Built]] = {
    "gemma3": gemma3,
    "paligemma": paligemma,
    "idefics3": idefics3,
    "idefics3_tiles": partial(idefics3, tiles=True),
    "llava": llava,
    "llava_next": llava_next,
}


def write_model(family: str, folder: Path, seed: int = 0, prompt_template: str | None = "{question}") -> Path:
    """Write a random model of that family to `folder` and return it; another seed makes another model."""
    import tiny_torchvision

    torch.manual_seed(seed)
    model, processor = (BUILDERS | tiny_torchvision.BUILDERS)[family]()
    tok = processor.tokenizer
    for weight in model.parameters():  # default initialisation is too narrow: all answers would be equal
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.3)
    if prompt_template is not None:
        model.config.auditdm_prompt_template = prompt_template
    model.generation_config = hf.GenerationConfig(
        eos_token_id=tok.eos_token_id, pad_token_id=tok.pad_token_id, bos_token_id=tok.bos_token_id
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
