//! The parts of a network: its modules with their weights and their work, and the builder that families write them with.
//!
//! A part stands for all modules of one pattern: `model.layers.{}.self_attn.q_proj` with the numbers of its layers.
//! The builder, like [`super::config::Config`], keeps its first fault to the end; all arithmetic is checked.

use super::error::DescribeError;
use std::sync::Arc;

/// How often something runs in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Once for every token of the stream that the model continues or reads.
    Tokens,
    /// Once for every token that an encoder reads before a decoder starts.
    Source,
    /// So many times whatever the text: patches of a picture, frames of a sound, 1 for the head of a classifier.
    Fixed(u64),
}

/// What one run costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// No products: look-ups, norms.
    None,
    /// A product with weights, of so many MACs for each position.
    Product(u64),
    /// Both attention products: so many MACs for each query and each key that it sees.
    Attention {
        /// MACs for one query and one key: heads × (width of a key + width of a value).
        macs: u64,
        /// Where keys come from.
        keys: Span,
        /// The most keys that a query sees, where that is bounded.
        window: Option<u64>,
    },
    /// Mixing of tokens that does not grow with the context (linear attention, state-space layers): MACs for each position.
    Recurrence(u64),
}

/// What a part is to the model as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The table that turns input tokens into vectors, or the projection of patches.
    InputEmbedding,
    /// What turns vectors into scores of tokens.
    OutputHead,
    /// Everything else.
    Body,
}

/// What is kept between steps for each layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Elements of the KV cache that one token adds.
    pub cache: u64,
    /// Elements of state for one sequence, whatever its length.
    pub state: u64,
    /// Elements kept of each token, patch or frame that an encoder made and that attention reads apart.
    pub cross: u64,
}

/// A weight tensor of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    /// Its name behind the part's path; empty where the path is the tensor's own.
    pub name: &'static str,
    /// Sizes of its dimensions, as stored.
    pub shape: Vec<u64>,
    /// Whether it is the same tensor as another one, and so not counted again.
    pub is_shared: bool,
}

impl Weight {
    /// Elements, `None` when they do not fit 64 bits.
    pub fn elements(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size))
    }
}

/// Experts of which a token uses some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routed {
    /// How many there are in a layer.
    pub experts: u64,
    /// How many of them one token uses.
    pub per_token: u64,
}

/// All modules of one pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The module's path with `{}` for each number of [`Self::indices`].
    pub path: String,
    /// For each `{}` the numbers that stand there.
    pub indices: Vec<Arc<[u64]>>,
    /// What it is, in the words of the libraries: `Linear`, `Embedding`, `LayerNorm`, `Conv2d`, `Attention`.
    pub kind: &'static str,
    /// Its weights.
    pub weights: Vec<Weight>,
    /// How often it runs in a pass.
    pub span: Span,
    /// How many layers run the same module in a pass: 1 but where layers share their weights.
    pub times: u64,
    /// What one run costs.
    pub work: Work,
    /// What it is to the whole.
    pub role: Role,
    /// Set where only some of its modules (or some of its stacked weights) serve one token.
    pub routed: Option<Routed>,
    /// What it keeps between steps.
    pub kept: Kept,
    /// Elements of each module that are kept and not learned: running statistics, balances of experts.
    pub buffers: u64,
}

impl Part {
    /// How many modules the part stands for; `None` when that does not fit 64 bits.
    pub fn modules(&self) -> Option<u64> {
        self.indices.iter().try_fold(1u64, |product, numbers| product.checked_mul(numbers.len() as u64))
    }

    /// Elements of all weights of all modules, shared ones not counted again; `None` when they do not fit 64 bits.
    pub fn parameters(&self) -> Option<u64> {
        let own = self.weights.iter().filter(|weight| !weight.is_shared);
        let one = own.map(Weight::elements).try_fold(0u64, |sum, elements| sum.checked_add(elements?))?;
        one.checked_mul(self.modules()?)
    }

    /// Those that one token uses.
    pub fn active_parameters(&self) -> Option<u64> {
        self.used(self.parameters()?)
    }

    /// The share of `all` that one token uses.
    pub(super) fn used(&self, all: u64) -> Option<u64> {
        match self.routed {
            None => Some(all),
            Some(Routed { experts, per_token }) => {
                let used = u128::from(all) * u128::from(per_token) / u128::from(experts.max(1));
                u64::try_from(used).ok()
            }
        }
    }

    /// Full names of all tensors with their weights, shared ones included, in the order of the layers.
    pub fn tensors(&self) -> impl Iterator<Item = (String, &Weight)> {
        let modules = self.modules().unwrap_or(0);
        (0..modules).flat_map(move |module| {
            let path = self.path_of(module);
            self.weights.iter().map(move |weight| {
                let dot = if weight.name.is_empty() || path.is_empty() { "" } else { "." };
                (format!("{path}{dot}{}", weight.name), weight)
            })
        })
    }

    /// The path with the numbers that stand in it gathered: `model.layers.{0…31}.mlp`.
    pub fn pattern(&self) -> String {
        let mut numbers = self.indices.iter();
        let mut pattern = String::new();
        for (place, piece) in self.path.split("{}").enumerate() {
            if place > 0 {
                match numbers.next().map(|numbers| (numbers.first(), numbers.last(), numbers.len())) {
                    Some((Some(first), Some(last), 2..)) => pattern.push_str(&format!("{{{first}…{last}}}")),
                    Some((Some(first), ..)) => pattern.push_str(&first.to_string()),
                    _ => {}
                }
            }
            pattern.push_str(piece);
        }
        pattern
    }

    /// The path in one layer, which is the first of its numbers, with the other numbers gathered.
    pub fn pattern_of(&self, layer: u64) -> String {
        let Some(first) = self.indices.first() else { return self.pattern() };
        let number = usize::try_from(layer).ok().and_then(|layer| first.get(layer)).copied().unwrap_or(0);
        let indices = [Arc::from([number])].into_iter().chain(self.indices.iter().skip(1).cloned()).collect();
        Part { path: self.path.clone(), indices, ..self.empty() }.pattern()
    }

    fn empty(&self) -> Self {
        Self { weights: Vec::new(), path: String::new(), indices: Vec::new(), ..self.clone() }
    }

    /// The path of the module with this number among all of the part.
    pub fn path_of(&self, module: u64) -> String {
        let mut rest = module;
        let mut chosen = Vec::new();
        for numbers in self.indices.iter().rev() {
            let length = (numbers.len() as u64).max(1);
            chosen.push(numbers.get((rest % length) as usize).copied().unwrap_or(0));
            rest /= length;
        }
        let mut path = String::new();
        for (place, piece) in self.path.split("{}").enumerate() {
            if place > 0 {
                path.push_str(&chosen.pop().unwrap_or(0).to_string());
            }
            path.push_str(piece);
        }
        path
    }
}

/// Which norm, by the weights that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Norm {
    /// A scale alone.
    Rms,
    /// A scale and a bias.
    Layer,
    /// A layer norm with a scale alone.
    LayerWithoutBias,
    /// No weights.
    Plain,
}

/// Attention as far as its products and its cache go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attention {
    /// Query heads.
    pub heads: u64,
    /// Width of a query and a key of one head.
    pub key: u64,
    /// Width of a value of one head.
    pub value: u64,
    /// Where keys come from.
    pub keys: Span,
    /// The most keys that a query sees.
    pub window: Option<u64>,
    /// Elements of the cache for one key.
    pub cache: u64,
}

/// The builder of a list of parts.
#[derive(Debug)]
pub(super) struct Parts {
    list: Vec<Part>,
    path: String,
    indices: Vec<Arc<[u64]>>,
    routed: Option<Routed>,
    span: Span,
    times: u64,
    fault: Option<DescribeError>,
}

impl Parts {
    /// No parts yet.
    pub fn new() -> Self {
        Self {
            list: Vec::new(),
            path: String::new(),
            indices: Vec::new(),
            routed: None,
            span: Span::Tokens,
            times: 1,
            fault: None,
        }
    }

    /// The parts, or the first fault.
    pub fn finish(self) -> Result<Vec<Part>, DescribeError> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.list),
        }
    }

    /// What `build` adds lies in this module; an empty name adds no step to the path.
    pub fn within(&mut self, name: &str, build: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path = self.join(name);
        build(self);
        self.path.truncate(length);
    }

    /// What `build` adds lies in each of these numbered modules.
    pub fn each(&mut self, name: &str, numbers: impl IntoIterator<Item = u64>, build: impl FnOnce(&mut Self)) {
        let numbers: Arc<[u64]> = numbers.into_iter().collect();
        if numbers.is_empty() {
            return;
        }
        self.indices.push(numbers);
        let numbered = if name.is_empty() { "{}".to_owned() } else { format!("{name}.{{}}") };
        self.within(&numbered, build);
        self.indices.pop();
    }

    /// What `build` adds runs this often.
    pub fn over(&mut self, span: Span, build: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.span, span);
        build(self);
        self.span = outer;
    }

    /// What `build` adds runs as part of so many layers, which share its weights.
    pub fn repeated(&mut self, times: u64, build: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.times, times);
        build(self);
        self.times = outer;
    }

    /// The present span.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What `build` adds belongs to experts of which a token uses some.
    pub fn routed(&mut self, experts: u64, per_token: u64, build: impl FnOnce(&mut Self)) {
        if per_token > experts {
            let how = format!("a token uses {per_token} of {experts} experts");
            self.fault.get_or_insert(DescribeError::Contradiction(how));
        }
        let outer = self.routed.replace(Routed { experts, per_token: per_token.min(experts) });
        build(self);
        self.routed = outer;
    }

    fn join(&self, name: &str) -> String {
        match (self.path.is_empty(), name.is_empty()) {
            (_, true) => self.path.clone(),
            (true, _) => name.to_owned(),
            _ => format!("{}.{name}", self.path),
        }
    }

    fn push(&mut self, name: &str, kind: &'static str, weights: Vec<Weight>, work: Work) -> &mut Part {
        let place = self.list.len();
        let part = Part {
            path: self.join(name),
            indices: self.indices.clone(),
            kind,
            weights,
            span: self.span,
            times: self.times,
            work,
            role: Role::Body,
            routed: self.routed,
            kept: Kept::default(),
            buffers: 0,
        };
        if part.parameters().is_none() {
            self.fault.get_or_insert_with(|| DescribeError::TooLarge(part.path.clone()));
        }
        self.list.push(part);
        // The part was pushed just now.
        #[allow(clippy::indexing_slicing)]
        &mut self.list[place]
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Says what the part with this number is to the whole.
    pub fn set_role(&mut self, number: usize, role: Role) {
        if let Some(part) = self.list.get_mut(number) {
            part.role = role;
        }
    }

    fn product(&mut self, sizes: &[u64]) -> u64 {
        let product = sizes.iter().try_fold(1u64, |product, size| product.checked_mul(*size));
        product.unwrap_or_else(|| {
            self.fault.get_or_insert_with(|| DescribeError::TooLarge(self.path.clone()));
            0
        })
    }

    /// A matrix product with a weight of `outputs` × `inputs`.
    pub fn linear(&mut self, name: &str, inputs: u64, outputs: u64, bias: bool) -> &mut Part {
        let work = Work::Product(self.product(&[inputs, outputs]));
        self.push(name, "Linear", matrix(&[outputs, inputs], bias.then_some(outputs)), work)
    }

    /// What scores experts, where the class does not write it as a linear layer, so that libraries which pack those leave it alone.
    pub fn router(&mut self, name: &str, inputs: u64, experts: u64, bias: bool) {
        self.linear(name, inputs, experts, bias).kind = "Router";
    }

    /// The same with its weight stored as `inputs` × `outputs`, as GPT-2 does.
    pub fn transposed(&mut self, name: &str, inputs: u64, outputs: u64) -> &mut Part {
        let work = Work::Product(self.product(&[inputs, outputs]));
        self.push(name, "Conv1D", matrix(&[inputs, outputs], Some(outputs)), work)
    }

    /// A matrix product whose weight is another part's; its bias, where it has one, is its own.
    pub fn tied(&mut self, name: &str, inputs: u64, outputs: u64, bias: bool) -> &mut Part {
        let part = self.linear(name, inputs, outputs, bias);
        if let Some(weight) = part.weights.first_mut() {
            weight.is_shared = true;
        }
        part
    }

    /// A table that is looked up.
    pub fn embedding(&mut self, name: &str, rows: u64, width: u64) -> &mut Part {
        self.push(name, "Embedding", matrix(&[rows, width], None), Work::None)
    }

    /// The table that turns input tokens into vectors.
    pub fn input_embedding(&mut self, name: &str, rows: u64, width: u64) {
        self.embedding(name, rows, width).role = Role::InputEmbedding;
    }

    /// What turns vectors into scores of tokens, tied to the input table or not.
    pub fn head(&mut self, name: &str, width: u64, rows: u64, is_tied: bool, bias: bool) {
        let part = if is_tied { self.tied(name, width, rows, bias) } else { self.linear(name, width, rows, bias) };
        part.role = Role::OutputHead;
    }

    /// A norm over vectors of this width.
    pub fn norm(&mut self, name: &str, width: u64, norm: Norm) {
        let (kind, weights) = match norm {
            Norm::Rms => ("RMSNorm", matrix(&[width], None)),
            Norm::Layer => ("LayerNorm", matrix(&[width], Some(width))),
            Norm::LayerWithoutBias => ("LayerNorm", matrix(&[width], None)),
            Norm::Plain => return,
        };
        self.push(name, kind, weights, Work::None);
    }

    /// A layer norm with scale and bias.
    pub fn layer_norm(&mut self, name: &str, width: u64) {
        self.norm(name, width, Norm::Layer);
    }

    /// Any other norm with a scale and a bias of this width: batch norm, group norm.
    pub fn other_norm(&mut self, name: &str, kind: &'static str, width: u64) {
        self.push(name, kind, matrix(&[width], Some(width)), Work::None);
    }

    /// A tensor that is kept and not learned.
    pub fn buffer(&mut self, name: &str, elements: u64) {
        self.push(name, "Buffer", Vec::new(), Work::None).buffers = elements;
    }

    /// A tensor by itself, whose name is its path.
    pub fn tensor(&mut self, name: &str, shape: &[u64]) -> &mut Part {
        let weight = Weight { name: "", shape: shape.to_vec(), is_shared: false };
        self.push(name, "Parameter", vec![weight], Work::None)
    }

    /// A tensor by itself that every position is multiplied by, with so many MACs.
    pub fn multiplied(&mut self, name: &str, shape: &[u64], macs: &[u64]) -> &mut Part {
        let macs = self.product(macs);
        let part = self.tensor(name, shape);
        part.work = Work::Product(macs);
        part
    }

    /// A convolution; the present span is its output positions.
    pub fn conv(
        &mut self,
        name: &str,
        kernel: &[u64],
        inputs: u64,
        outputs: u64,
        groups: u64,
        bias: bool,
    ) -> &mut Part {
        let each = inputs.checked_div(groups).unwrap_or(1);
        let kind = match kernel.len() {
            1 => "Conv1d",
            2 => "Conv2d",
            _ => "Conv3d",
        };
        let mut shape = vec![outputs, each];
        shape.extend_from_slice(kernel);
        let work = Work::Product(self.product(&shape));
        self.push(name, kind, matrix(&shape, bias.then_some(outputs)), work)
    }

    /// A transposed convolution whose stride equals its kernel; the present span is its input positions.
    pub fn transposed_conv(&mut self, name: &str, kernel: &[u64], inputs: u64, outputs: u64) {
        let mut shape = vec![inputs, outputs];
        shape.extend_from_slice(kernel);
        let work = Work::Product(self.product(&shape));
        self.push(name, "ConvTranspose2d", matrix(&shape, Some(outputs)), work);
    }

    /// The two products of attention, and what the cache keeps.
    pub fn attention(&mut self, attention: Attention) {
        let macs = self.product(&[attention.heads, attention.key.saturating_add(attention.value)]);
        let work = Work::Attention { macs, keys: attention.keys, window: attention.window };
        let writes = self.span == Span::Tokens;
        let part = self.push("", "Attention", Vec::new(), work);
        match (writes, attention.keys) {
            (false, _) => {}
            (true, Span::Tokens) => part.kept.cache = attention.cache,
            (true, _) => part.kept.cross = attention.cache,
        }
    }

    /// Products between activations whose number does not grow with the context.
    pub fn recurrence(&mut self, kind: &'static str, macs: u64, state: u64) {
        let part = self.push("", kind, Vec::new(), Work::Recurrence(macs));
        part.kept.state = state;
    }
}

fn matrix(shape: &[u64], bias: Option<u64>) -> Vec<Weight> {
    let mut weights = vec![Weight { name: "weight", shape: shape.to_vec(), is_shared: false }];
    weights.extend(bias.map(|width| Weight { name: "bias", shape: vec![width], is_shared: false }));
    weights
}
