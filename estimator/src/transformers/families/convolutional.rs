//! Networks for pictures out of convolutions and reduced attention, in stages of falling resolution: ResNet, SegFormer.

use super::vision::{facts, sides};
use crate::transformers::MOST_LAYERS;
use crate::transformers::config::Config;
use crate::transformers::description::Facts;
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Parts, Role, Span};

/// Side of the pictures that these networks were trained on, where the configuration does not say: ImageNet's usual one.
const SIDE: u64 = 224;

/// Rows and columns of a picture at some stage.
#[derive(Debug, Clone, Copy)]
struct Grid(u64, u64);

impl Grid {
    fn of(c: &Config<'_>) -> Self {
        let (rows, columns) = if c.has("image_size") { sides(c, "image_size") } else { (SIDE, SIDE) };
        Self(rows, columns)
    }

    /// Behind a convolution or pooling that is filled up by half its kernel.
    fn by(self, kernel: u64, stride: u64) -> Self {
        let behind = |size: u64| (size + 2 * (kernel / 2)).saturating_sub(kernel) / stride.max(1) + 1;
        Self(behind(self.0), behind(self.1))
    }

    fn places(self) -> Span {
        Span::Fixed(self.0.saturating_mul(self.1))
    }
}

/// Adds a convolution without a bias and its batch norm, at each place of `grid`.
fn normed(p: &mut Parts, name: &str, kernel: u64, from: u64, to: u64, grid: Grid) {
    p.over(grid.places(), |p| {
        p.within(name, |p| {
            p.conv("convolution", &[kernel, kernel], from, to, 1, false);
            p.other_norm("normalization", "BatchNorm2d", to);
            p.buffer("normalization (statistics)", 2 * to);
        });
    });
}

/// ResNet, as the library has it.
pub fn resnet(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (widths, depths) = (c.list("hidden_sizes"), c.list("depths"));
    if widths.is_empty() || widths.len() != depths.len() {
        c.contradiction("“hidden_sizes” and “depths” differ in length");
        return Facts::default();
    }
    let is_narrow = c.text("layer_type").is_none_or(|kind| kind == "bottleneck");
    let early = c.flag("downsample_in_bottleneck");
    let first = c.int("embedding_size");
    let stem = Grid::of(c).by(7, 2);
    let mut grid = stem.by(3, 2);
    let last = widths.last().copied().unwrap_or(1);
    p.within(if matches!(head, Head::Base | Head::Backbone) { "" } else { "resnet" }, |p| {
        let before = p.len();
        normed(p, "embedder.embedder", 7, c.int_or("num_channels", 3), first, stem);
        p.set_role(before, Role::InputEmbedding);
        p.within("encoder", |p| {
            let mut from = first;
            for (stage, (to, depth)) in widths.iter().zip(&depths).enumerate() {
                let to = *to;
                let stride = if stage > 0 || c.flag("downsample_in_first_stage") { 2 } else { 1 };
                p.each("stages", [stage as u64], |p| {
                    let block = |p: &mut Parts, from: u64, stride: u64, wide: Grid, small: Grid| {
                        if from != to || stride != 1 {
                            normed(p, "shortcut", 1, from, to, small);
                        }
                        if is_narrow {
                            let inner = (to / 4).max(1);
                            normed(p, "layer.0", 1, from, inner, if early { small } else { wide });
                            normed(p, "layer.1", 3, inner, inner, small);
                            normed(p, "layer.2", 1, inner, to, small);
                        } else {
                            normed(p, "layer.0", 3, from, to, small);
                            normed(p, "layer.1", 3, to, to, small);
                        }
                    };
                    let small = grid.by(1, stride);
                    p.each("layers", [0], |p| block(p, from, stride, grid, small));
                    grid = small;
                    p.each("layers", 1..(*depth).clamp(1, MOST_LAYERS), |p| block(p, to, 1, grid, grid));
                });
                from = to;
            }
        });
    });
    if head == Head::Image {
        p.over(Span::Fixed(1), |p| _ = p.linear("classifier.1", last, c.labels(), true));
    }
    shown(c, depths.iter().fold(0, |sum: u64, depth| sum.saturating_add(*depth)), last)
}

fn shown(c: &Config<'_>, layers: u64, hidden: u64) -> Facts {
    if c.has("image_size") {
        return facts(c, layers, hidden, 1);
    }
    let input = format!("one picture of {SIDE} × {SIDE}");
    Facts { kind: crate::transformers::Kind::Vision, layers, hidden_size: hidden, input, ..Facts::default() }
}

/// SegFormer: attention to a grid that a convolution makes smaller, networks with a convolution in their middle, and a head that joins all stages.
pub fn segformer(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let stages = c.layers("num_encoder_blocks");
    let of = |field: &str| c.each(field, stages);
    let (widths, depths, heads) = (of("hidden_sizes"), of("depths"), of("num_attention_heads"));
    let (patches, strides, ratios, mlps) = (of("patch_sizes"), of("strides"), of("sr_ratios"), of("mlp_ratios"));
    let mut grid = Grid::of(c);
    let mut grids = Vec::new();
    let at = |list: &[u64], stage: usize| list.get(stage).copied().unwrap_or(1).max(1);
    p.within(if head == Head::Base { "" } else { "segformer" }, |p| {
        p.within("encoder", |p| {
            let mut from = c.int_or("num_channels", 3);
            for stage in 0..widths.len() {
                let (width, count) = (at(&widths, stage), at(&heads, stage));
                let head_width = c.divided(width, count);
                let (patch, ratio) = (at(&patches, stage), at(&ratios, stage));
                let inner = width.saturating_mul(at(&mlps, stage));
                grid = grid.by(patch, at(&strides, stage));
                grids.push(grid);
                let fewer = Grid((grid.0 / ratio).max(1), (grid.1 / ratio).max(1));
                p.over(grid.places(), |p| {
                    p.each("patch_embeddings", [stage as u64], |p| {
                        let conv = p.conv("proj", &[patch, patch], from, width, 1, true);
                        conv.role = if stage == 0 { Role::InputEmbedding } else { Role::Body };
                        p.layer_norm("layer_norm", width);
                    });
                    p.each("block", [stage as u64], |p| {
                        p.each("", 0..at(&depths, stage).min(MOST_LAYERS), |p| {
                            p.layer_norm("layer_norm_1", width);
                            p.within("attention.self", |p| {
                                p.linear("query", width, width, true);
                                p.over(fewer.places(), |p| {
                                    if ratio > 1 {
                                        p.conv("sr", &[ratio, ratio], width, width, 1, true);
                                        p.layer_norm("layer_norm", width);
                                    }
                                    p.linear("key", width, width, true);
                                    p.linear("value", width, width, true);
                                });
                                let keys = fewer.places();
                                let (heads, key, value) = (count, head_width, head_width);
                                p.attention(Attention { heads, key, value, keys, window: None, cache: 0 });
                            });
                            p.linear("attention.output.dense", width, width, true);
                            p.layer_norm("layer_norm_2", width);
                            p.within("mlp", |p| {
                                p.linear("dense1", width, inner, true);
                                p.conv("dwconv.dwconv", &[3, 3], inner, inner, inner, true);
                                p.linear("dense2", inner, width, true);
                            });
                        });
                    });
                    p.each("layer_norm", [stage as u64], |p| p.layer_norm("", width));
                });
                from = width;
            }
        });
    });
    let last = widths.last().copied().unwrap_or(1);
    match head {
        Head::Image => p.over(Span::Fixed(1), |p| _ = p.linear("classifier", last, c.labels(), true)),
        Head::Segmentation => p.within("decode_head", |p| {
            let wide = c.int("decoder_hidden_size");
            for (stage, grid) in grids.iter().enumerate() {
                p.over(grid.places(), |p| {
                    p.each("linear_c", [stage as u64], |p| _ = p.linear("proj", at(&widths, stage), wide, true));
                });
            }
            p.over(grids.first().copied().unwrap_or(grid).places(), |p| {
                p.conv("linear_fuse", &[1, 1], wide.saturating_mul(stages), wide, 1, false);
                p.other_norm("batch_norm", "BatchNorm2d", wide);
                p.buffer("batch_norm (statistics)", 2 * wide);
                p.conv("classifier", &[1, 1], wide, c.labels(), 1, true);
            });
        }),
        _ => {}
    }
    shown(c, depths.iter().fold(0, |sum: u64, depth| sum.saturating_add(*depth)), last)
}
