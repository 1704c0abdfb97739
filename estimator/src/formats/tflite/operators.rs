//! The operators of TensorFlow Lite's schema by number, and the options of each by slot.
//!
//! Numbers, names and slots are those of `schema.fbs` (TensorFlow 2.21); `tests/data/make/tflite_schema.py` prints these tables.

/// The built-in operators, each at its number.
pub(super) const OPERATORS: &[&str] = &[
    "ADD",
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "DEPTH_TO_SPACE",
    "DEQUANTIZE",
    "EMBEDDING_LOOKUP",
    "FLOOR",
    "FULLY_CONNECTED",
    "HASHTABLE_LOOKUP",
    "L2_NORMALIZATION",
    "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION",
    "LOGISTIC",
    "LSH_PROJECTION",
    "LSTM",
    "MAX_POOL_2D",
    "MUL",
    "RELU",
    "RELU_N1_TO_1",
    "RELU6",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RNN",
    "SOFTMAX",
    "SPACE_TO_DEPTH",
    "SVDF",
    "TANH",
    "CONCAT_EMBEDDINGS",
    "SKIP_GRAM",
    "CALL",
    "CUSTOM",
    "EMBEDDING_LOOKUP_SPARSE",
    "PAD",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
    "GATHER",
    "BATCH_TO_SPACE_ND",
    "SPACE_TO_BATCH_ND",
    "TRANSPOSE",
    "MEAN",
    "SUB",
    "DIV",
    "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "STRIDED_SLICE",
    "BIDIRECTIONAL_SEQUENCE_RNN",
    "EXP",
    "TOPK_V2",
    "SPLIT",
    "LOG_SOFTMAX",
    "DELEGATE",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "CAST",
    "PRELU",
    "MAXIMUM",
    "ARG_MAX",
    "MINIMUM",
    "LESS",
    "NEG",
    "PADV2",
    "GREATER",
    "GREATER_EQUAL",
    "LESS_EQUAL",
    "SELECT",
    "SLICE",
    "SIN",
    "TRANSPOSE_CONV",
    "SPARSE_TO_DENSE",
    "TILE",
    "EXPAND_DIMS",
    "EQUAL",
    "NOT_EQUAL",
    "LOG",
    "SUM",
    "SQRT",
    "RSQRT",
    "SHAPE",
    "POW",
    "ARG_MIN",
    "FAKE_QUANT",
    "REDUCE_PROD",
    "REDUCE_MAX",
    "PACK",
    "LOGICAL_OR",
    "ONE_HOT",
    "LOGICAL_AND",
    "LOGICAL_NOT",
    "UNPACK",
    "REDUCE_MIN",
    "FLOOR_DIV",
    "REDUCE_ANY",
    "SQUARE",
    "ZEROS_LIKE",
    "FILL",
    "FLOOR_MOD",
    "RANGE",
    "RESIZE_NEAREST_NEIGHBOR",
    "LEAKY_RELU",
    "SQUARED_DIFFERENCE",
    "MIRROR_PAD",
    "ABS",
    "SPLIT_V",
    "UNIQUE",
    "CEIL",
    "REVERSE_V2",
    "ADD_N",
    "GATHER_ND",
    "COS",
    "WHERE",
    "RANK",
    "ELU",
    "REVERSE_SEQUENCE",
    "MATRIX_DIAG",
    "QUANTIZE",
    "MATRIX_SET_DIAG",
    "ROUND",
    "HARD_SWISH",
    "IF",
    "WHILE",
    "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5",
    "SCATTER_ND",
    "SELECT_V2",
    "DENSIFY",
    "SEGMENT_SUM",
    "BATCH_MATMUL",
    "PLACEHOLDER_FOR_GREATER_OP_CODES",
    "CUMSUM",
    "CALL_ONCE",
    "BROADCAST_TO",
    "RFFT2D",
    "CONV_3D",
    "IMAG",
    "REAL",
    "COMPLEX_ABS",
    "HASHTABLE",
    "HASHTABLE_FIND",
    "HASHTABLE_IMPORT",
    "HASHTABLE_SIZE",
    "REDUCE_ALL",
    "CONV_3D_TRANSPOSE",
    "VAR_HANDLE",
    "READ_VARIABLE",
    "ASSIGN_VARIABLE",
    "BROADCAST_ARGS",
    "RANDOM_STANDARD_NORMAL",
    "BUCKETIZE",
    "RANDOM_UNIFORM",
    "MULTINOMIAL",
    "GELU",
    "DYNAMIC_UPDATE_SLICE",
    "RELU_0_TO_1",
    "UNSORTED_SEGMENT_PROD",
    "UNSORTED_SEGMENT_MAX",
    "UNSORTED_SEGMENT_SUM",
    "ATAN2",
    "UNSORTED_SEGMENT_MIN",
    "SIGN",
    "BITCAST",
    "BITWISE_XOR",
    "RIGHT_SHIFT",
    "STABLEHLO_LOGISTIC",
    "STABLEHLO_ADD",
    "STABLEHLO_DIVIDE",
    "STABLEHLO_MULTIPLY",
    "STABLEHLO_MAXIMUM",
    "STABLEHLO_RESHAPE",
    "STABLEHLO_CLAMP",
    "STABLEHLO_CONCATENATE",
    "STABLEHLO_BROADCAST_IN_DIM",
    "STABLEHLO_CONVOLUTION",
    "STABLEHLO_SLICE",
    "STABLEHLO_CUSTOM_CALL",
    "STABLEHLO_REDUCE",
    "STABLEHLO_ABS",
    "STABLEHLO_AND",
    "STABLEHLO_COSINE",
    "STABLEHLO_EXPONENTIAL",
    "STABLEHLO_FLOOR",
    "STABLEHLO_LOG",
    "STABLEHLO_MINIMUM",
    "STABLEHLO_NEGATE",
    "STABLEHLO_OR",
    "STABLEHLO_POWER",
    "STABLEHLO_REMAINDER",
    "STABLEHLO_RSQRT",
    "STABLEHLO_SELECT",
    "STABLEHLO_SUBTRACT",
    "STABLEHLO_TANH",
    "STABLEHLO_SCATTER",
    "STABLEHLO_COMPARE",
    "STABLEHLO_CONVERT",
    "STABLEHLO_DYNAMIC_SLICE",
    "STABLEHLO_DYNAMIC_UPDATE_SLICE",
    "STABLEHLO_PAD",
    "STABLEHLO_IOTA",
    "STABLEHLO_DOT_GENERAL",
    "STABLEHLO_REDUCE_WINDOW",
    "STABLEHLO_SORT",
    "STABLEHLO_WHILE",
    "STABLEHLO_GATHER",
    "STABLEHLO_TRANSPOSE",
    "DILATE",
    "STABLEHLO_RNG_BIT_GENERATOR",
    "REDUCE_WINDOW",
    "STABLEHLO_COMPOSITE",
    "STABLEHLO_SHIFT_LEFT",
    "STABLEHLO_CBRT",
    "STABLEHLO_CASE",
];

/// How an option is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A truth value.
    Bool,
    /// An integer of one byte.
    Int8,
    /// An integer of four bytes.
    Int32,
    /// An integer of eight bytes.
    Int64,
    /// A float of four bytes.
    Float,
    /// A text.
    Text,
    /// Integers of four bytes.
    Ints32,
    /// Integers of eight bytes.
    Ints64,
    /// `SAME` or `VALID`.
    Padding,
    /// A function applied to the result.
    Activation,
}

/// One option: its name, its slot in the table, how it is stored, and what it is when it is left out.
pub(super) type Opt = (&'static str, u16, Kind, i64);

use Kind::{Activation, Bool, Float, Int8, Int32, Int64, Ints32, Ints64, Padding, Text};

/// The options of the first union by their type.
#[rustfmt::skip]
pub(super) const OPTIONS: &[(u8, &[Opt])] = &[
    // Conv2DOptions
    (1, &[("padding", 0, Padding, 0), ("stride_w", 1, Int32, 0), ("stride_h", 2, Int32, 0), ("fused_activation_function", 3, Activation, 0), ("dilation_w_factor", 4, Int32, 1), ("dilation_h_factor", 5, Int32, 1)]),
    // DepthwiseConv2DOptions
    (2, &[("padding", 0, Padding, 0), ("stride_w", 1, Int32, 0), ("stride_h", 2, Int32, 0), ("depth_multiplier", 3, Int32, 0), ("fused_activation_function", 4, Activation, 0), ("dilation_w_factor", 5, Int32, 1), ("dilation_h_factor", 6, Int32, 1)]),
    // ConcatEmbeddingsOptions
    (3, &[("num_channels", 0, Int32, 0), ("num_columns_per_channel", 1, Ints32, 0), ("embedding_dim_per_channel", 2, Ints32, 0)]),
    // LSHProjectionOptions
    (4, &[("type", 0, Int8, 0)]),
    // Pool2DOptions
    (5, &[("padding", 0, Padding, 0), ("stride_w", 1, Int32, 0), ("stride_h", 2, Int32, 0), ("filter_width", 3, Int32, 0), ("filter_height", 4, Int32, 0), ("fused_activation_function", 5, Activation, 0)]),
    // SVDFOptions
    (6, &[("rank", 0, Int32, 0), ("fused_activation_function", 1, Activation, 0)]),
    // RNNOptions
    (7, &[("fused_activation_function", 0, Activation, 0)]),
    // FullyConnectedOptions
    (8, &[("fused_activation_function", 0, Activation, 0), ("weights_format", 1, Int8, 0), ("keep_num_dims", 2, Bool, 0)]),
    // SoftmaxOptions
    (9, &[("beta", 0, Float, 0)]),
    // ConcatenationOptions
    (10, &[("axis", 0, Int32, 0), ("fused_activation_function", 1, Activation, 0)]),
    // AddOptions
    (11, &[("fused_activation_function", 0, Activation, 0)]),
    // L2NormOptions
    (12, &[("fused_activation_function", 0, Activation, 0)]),
    // LocalResponseNormalizationOptions
    (13, &[("radius", 0, Int32, 0), ("bias", 1, Float, 0), ("alpha", 2, Float, 0), ("beta", 3, Float, 0)]),
    // LSTMOptions
    (14, &[("fused_activation_function", 0, Activation, 0), ("cell_clip", 1, Float, 0), ("proj_clip", 2, Float, 0), ("kernel_type", 3, Int8, 0)]),
    // ResizeBilinearOptions
    (15, &[("align_corners", 2, Bool, 0), ("half_pixel_centers", 3, Bool, 0)]),
    // CallOptions
    (16, &[("subgraph", 0, Int32, 0)]),
    // ReshapeOptions
    (17, &[("new_shape", 0, Ints32, 0)]),
    // SkipGramOptions
    (18, &[("ngram_size", 0, Int32, 0), ("max_skip_size", 1, Int32, 0), ("include_all_ngrams", 2, Bool, 0)]),
    // SpaceToDepthOptions
    (19, &[("block_size", 0, Int32, 0)]),
    // EmbeddingLookupSparseOptions
    (20, &[("combiner", 0, Int8, 0)]),
    // MulOptions
    (21, &[("fused_activation_function", 0, Activation, 0)]),
    // GatherOptions
    (23, &[("axis", 0, Int32, 0), ("batch_dims", 1, Int32, 0)]),
    // ReducerOptions
    (27, &[("keep_dims", 0, Bool, 0)]),
    // SubOptions
    (28, &[("fused_activation_function", 0, Activation, 0)]),
    // DivOptions
    (29, &[("fused_activation_function", 0, Activation, 0)]),
    // SqueezeOptions
    (30, &[("squeeze_dims", 0, Ints32, 0)]),
    // SequenceRNNOptions
    (31, &[("time_major", 0, Bool, 0), ("fused_activation_function", 1, Activation, 0)]),
    // StridedSliceOptions
    (32, &[("begin_mask", 0, Int32, 0), ("end_mask", 1, Int32, 0), ("ellipsis_mask", 2, Int32, 0), ("new_axis_mask", 3, Int32, 0), ("shrink_axis_mask", 4, Int32, 0), ("offset", 5, Bool, 0)]),
    // SplitOptions
    (35, &[("num_splits", 0, Int32, 0)]),
    // CastOptions
    (37, &[("out_data_type", 1, Int8, 0)]),
    // ArgMaxOptions
    (40, &[("output_type", 0, Int8, 0)]),
    // TransposeConvOptions
    (49, &[("padding", 0, Padding, 0), ("stride_w", 1, Int32, 0), ("stride_h", 2, Int32, 0), ("fused_activation_function", 3, Activation, 0)]),
    // ShapeOptions
    (55, &[("out_type", 0, Int8, 0)]),
    // ArgMinOptions
    (57, &[("output_type", 0, Int8, 0)]),
    // FakeQuantOptions
    (58, &[("min", 0, Float, 0), ("max", 1, Float, 0), ("num_bits", 2, Int32, 0), ("narrow_range", 3, Bool, 0)]),
    // PackOptions
    (59, &[("values_count", 0, Int32, 0), ("axis", 1, Int32, 0)]),
    // OneHotOptions
    (61, &[("axis", 0, Int32, 0)]),
    // UnpackOptions
    (64, &[("num", 0, Int32, 0), ("axis", 1, Int32, 0)]),
    // BidirectionalSequenceLSTMOptions
    (69, &[("fused_activation_function", 0, Activation, 0), ("cell_clip", 1, Float, 0), ("proj_clip", 2, Float, 0), ("merge_outputs", 3, Bool, 0), ("time_major", 4, Bool, 1)]),
    // BidirectionalSequenceRNNOptions
    (70, &[("time_major", 0, Bool, 0), ("fused_activation_function", 1, Activation, 0), ("merge_outputs", 2, Bool, 0)]),
    // UnidirectionalSequenceLSTMOptions
    (71, &[("fused_activation_function", 0, Activation, 0), ("cell_clip", 1, Float, 0), ("proj_clip", 2, Float, 0), ("time_major", 3, Bool, 0), ("diagonal_recurrent_tensors", 5, Bool, 0)]),
    // ResizeNearestNeighborOptions
    (74, &[("align_corners", 0, Bool, 0), ("half_pixel_centers", 1, Bool, 0)]),
    // LeakyReluOptions
    (75, &[("alpha", 0, Float, 0)]),
    // MirrorPadOptions
    (77, &[("mode", 0, Int8, 0)]),
    // SplitVOptions
    (79, &[("num_splits", 0, Int32, 0)]),
    // UniqueOptions
    (80, &[("idx_out_type", 0, Int8, 0)]),
    // ReverseSequenceOptions
    (87, &[("seq_dim", 0, Int32, 0), ("batch_dim", 1, Int32, 0)]),
    // IfOptions
    (92, &[("then_subgraph_index", 0, Int32, 0), ("else_subgraph_index", 1, Int32, 0)]),
    // WhileOptions
    (93, &[("cond_subgraph_index", 0, Int32, 0), ("body_subgraph_index", 1, Int32, 0)]),
    // DepthToSpaceOptions
    (94, &[("block_size", 0, Int32, 0)]),
    // BatchMatMulOptions
    (101, &[("adj_x", 0, Bool, 0), ("adj_y", 1, Bool, 0)]),
    // CumsumOptions
    (102, &[("exclusive", 0, Bool, 0), ("reverse", 1, Bool, 0)]),
    // CallOnceOptions
    (103, &[("init_subgraph_index", 0, Int32, 0)]),
    // Conv3DOptions
    (106, &[("padding", 0, Padding, 0), ("stride_d", 1, Int32, 0), ("stride_w", 2, Int32, 0), ("stride_h", 3, Int32, 0), ("fused_activation_function", 4, Activation, 0), ("dilation_d_factor", 5, Int32, 1), ("dilation_w_factor", 6, Int32, 1), ("dilation_h_factor", 7, Int32, 1)]),
    // HashtableOptions
    (107, &[("table_id", 0, Int32, 0), ("key_dtype", 1, Int8, 0), ("value_dtype", 2, Int8, 0)]),
    // VarHandleOptions
    (111, &[("container", 0, Text, 0), ("shared_name", 1, Text, 0)]),
    // GeluOptions
    (116, &[("approximate", 0, Bool, 0)]),
];

/// The options of the second union, which StableHLO operators use.
#[rustfmt::skip]
pub(super) const OPTIONS_2: &[(u8, &[Opt])] = &[
    // StablehloConcatenateOptions
    (1, &[("dimension", 0, Int64, 0)]),
    // StablehloBroadcastInDimOptions
    (2, &[("broadcast_dimensions", 0, Ints64, 0)]),
    // StablehloSliceOptions
    (3, &[("start_indices", 0, Ints64, 0), ("limit_indices", 1, Ints64, 0), ("strides", 2, Ints64, 0)]),
    // StablehloConvolutionOptions
    (4, &[("window_strides", 0, Ints64, 0), ("padding", 1, Ints64, 0), ("lhs_dilation", 2, Ints64, 0), ("rhs_dilation", 3, Ints64, 0), ("input_batch_dimension", 5, Int64, 0), ("input_feature_dimension", 6, Int64, 0), ("input_spatial_dimensions", 7, Ints64, 0), ("kernel_input_feature_dimension", 8, Int64, 0), ("kernel_output_feature_dimension", 9, Int64, 0), ("kernel_spatial_dimensions", 10, Ints64, 0), ("output_batch_dimension", 11, Int64, 0), ("output_feature_dimension", 12, Int64, 0), ("output_spatial_dimensions", 13, Ints64, 0), ("feature_group_count", 14, Int64, 0), ("batch_group_count", 15, Int64, 0)]),
    // StablehloCustomCallOptions
    (5, &[("call_target_name", 0, Text, 0), ("has_side_effect", 1, Bool, 0), ("api_version", 3, Int32, 0), ("called_computations", 4, Ints32, 0)]),
    // StablehloReduceOptions
    (6, &[("dimensions", 0, Ints64, 0), ("body_subgraph_index", 1, Ints32, 0)]),
    // StablehloScatterOptions
    (7, &[("update_window_dims", 1, Ints64, 0), ("inserted_window_dims", 2, Ints64, 0), ("scatter_dims_to_operand_dims", 3, Ints64, 0), ("index_vector_dim", 4, Int64, 0), ("unique_indices", 5, Bool, 0), ("update_computation_subgraph_index", 6, Ints32, 0)]),
    // StablehloCompareOptions
    (8, &[("comparison_direction", 0, Int32, 0), ("compare_type", 1, Int32, 0)]),
    // StablehloDynamicSliceOptions
    (9, &[("slice_sizes", 0, Ints64, 0)]),
    // StablehloPadOptions
    (10, &[("edge_padding_low", 0, Ints64, 0), ("edge_padding_high", 1, Ints64, 0), ("interior_padding", 2, Ints64, 0)]),
    // StablehloIotaOptions
    (11, &[("iota_dimension", 0, Int64, 0)]),
    // StablehloDotGeneralOptions
    (12, &[("lhs_batching_dimensions", 0, Ints64, 0), ("rhs_batching_dimensions", 1, Ints64, 0), ("lhs_contracting_dimensions", 2, Ints64, 0), ("rhs_contracting_dimensions", 3, Ints64, 0)]),
    // StablehloReduceWindowOptions
    (13, &[("window_dimensions", 0, Ints64, 0), ("window_strides", 1, Ints64, 0), ("base_dilations", 2, Ints64, 0), ("window_dilations", 3, Ints64, 0), ("padding", 4, Ints64, 0), ("body_subgraph_index", 5, Ints32, 0)]),
    // StablehloSortOptions
    (14, &[("dimension", 0, Int64, 0), ("is_stable", 1, Bool, 0), ("comparator_subgraph_index", 2, Int32, 0)]),
    // StablehloWhileOptions
    (15, &[("cond_subgraph_index", 0, Int32, 0), ("body_subgraph_index", 1, Int32, 0)]),
    // StablehloGatherOptions
    (16, &[("offset_dims", 0, Ints64, 0), ("collapsed_slice_dims", 1, Ints64, 0), ("start_index_map", 2, Ints64, 0), ("index_vector_dim", 3, Int64, 0), ("slice_sizes", 4, Ints64, 0)]),
    // StablehloTransposeOptions
    (17, &[("permutation", 0, Ints64, 0)]),
    // StablehloRngBitGeneratorOptions
    (19, &[("algorithm", 0, Int8, 0)]),
    // ReduceWindowOptions
    (20, &[("reduce_function", 0, Int32, 0)]),
    // StableHLOCompositeOptions
    (21, &[("name", 0, Text, 0), ("decomposition_subgraph_index", 1, Int32, 0), ("version", 4, Ints32, 0)]),
    // StablehloCaseOptions
    (23, &[("branch_subgraph_indices", 0, Ints32, 0)]),
];
