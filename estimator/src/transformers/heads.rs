//! Which head a model carries: the ending of its class's name.

/// The head of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// None: the stack alone.
    Base,
    /// Scores of the next token.
    CausalLm,
    /// Scores of hidden tokens.
    MaskedLm,
    /// Scores of a whole text.
    Sequence,
    /// Scores of each token.
    Token,
    /// Where an answer begins and ends.
    Question,
    /// A score for each of several texts.
    Choice,
    /// Whether one sentence follows another.
    NextSentence,
    /// What the pre-training had.
    PreTraining,
    /// A decoder that writes text.
    Conditional,
    /// The encoder of an encoder-decoder alone.
    Encoder,
    /// Scores of a picture.
    Image,
    /// The same, with a second head for the teacher.
    ImageWithTeacher,
    /// Hidden patches of a picture.
    MaskedImage,
    /// Scores of characters for each frame.
    Ctc,
    /// Scores of each frame.
    Frame,
    /// Scores of a whole recording.
    Audio,
    /// A vector for a speaker.
    XVector,
    /// The text half of a pair.
    Text,
    /// The text half of a pair with its projection.
    TextProjection,
    /// The picture half of a pair.
    Vision,
    /// The picture half of a pair with its projection.
    VisionProjection,
    /// A class for each pixel.
    Segmentation,
    /// Features for another network.
    Backbone,
}

const ENDINGS: [(&str, Head); 29] = [
    ("ForConditionalGeneration", Head::Conditional),
    ("ForCausalLM", Head::CausalLm),
    ("LMHeadModel", Head::CausalLm),
    ("ForMaskedLM", Head::MaskedLm),
    ("ForSequenceClassification", Head::Sequence),
    ("ForTokenClassification", Head::Token),
    ("ForQuestionAnswering", Head::Question),
    ("ForMultipleChoice", Head::Choice),
    ("ForNextSentencePrediction", Head::NextSentence),
    ("ForPreTraining", Head::PreTraining),
    ("ForImageClassificationWithTeacher", Head::ImageWithTeacher),
    ("ForImageClassification", Head::Image),
    ("ForSemanticSegmentation", Head::Segmentation),
    ("ForMaskedImageModeling", Head::MaskedImage),
    ("ForCTC", Head::Ctc),
    ("ForAudioFrameClassification", Head::Frame),
    ("ForAudioClassification", Head::Audio),
    ("ForXVector", Head::XVector),
    ("TextModelWithProjection", Head::TextProjection),
    ("VisionModelWithProjection", Head::VisionProjection),
    ("TextModel", Head::Text),
    ("VisionModel", Head::Vision),
    ("EncoderModel", Head::Encoder),
    ("ForTextEncoding", Head::Encoder),
    ("MTModel", Head::Conditional),
    ("Backbone", Head::Backbone),
    ("CausalLMWithValueHead", Head::CausalLm),
    ("ChatModel", Head::CausalLm),
    ("Model", Head::Base),
];

impl Head {
    /// The head of the class of this name, and the name without the ending.
    pub fn of(class: &str) -> Option<(Head, &str)> {
        ENDINGS.iter().find_map(|(ending, head)| Some((*head, class.strip_suffix(ending)?)))
    }
}
