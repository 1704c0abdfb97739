//! Why a model could not be read, where the estimator does not say it itself.

pub const NO_EXAMPLE: &str = "there is no example of this name";
pub const CHOOSE_EXAMPLE: &str = "Choose one of the examples, or open a file or an address.";
pub const NO_FILE: &str = "no file came along";
pub const UNREADABLE_REMEDY: &str = "Check that the file still exists and may be read.";
pub const NOTHING_READ: &str = "the model is no longer in memory";
pub const OPEN_AGAIN: &str = "Open it again.";
pub const BROWSER_REFUSED: &str = "the browser would not read it";
pub const NO_LENGTH: &str = "the server does not say how long the file is";
pub const NO_RANGES: &str = "the server sends the whole file instead of the parts asked for (it ignores Range requests), and the file is too large for that";
pub const NO_CORS: &str = "the server does not let other pages read this file (it sends no CORS header)";
pub const NO_SERVER: &str = "no server answers at this address";
pub const OFFLINE: &str = "this machine is offline";
pub const EMPTY: &str = "the file is empty";
pub const BROKE_OFF: &str = "the connection broke off";
pub const DOWNLOAD_FIRST: &str = "Download the file and open it from your disk.";
pub const CHECK_ADDRESS: &str = "Check the address; it should lead to the file itself, not to a page about it.";
pub const LOG_IN: &str = "If it lies in a private repository of the hub, give a token below the address; else download it with your account and open it from your disk.";
pub const TOKEN_REFUSED: &str = "Check the token, and that its account may read this repository.";
pub const NOT_AN_ADDRESS: &str = "this leads to no model";
pub const NOT_A_MODEL_PAGE: &str = "this leads to a page of the hub that is no model";
pub const ADDRESSES: &str =
    "Give the address of a file, or a repository of the hub as hf:organisation/name, with @revision if you like.";
pub const OTHER_REPOSITORY: &str = "Look at the repository’s files and name one, as in hf:organisation/name/file.gguf.";
pub const TRY_LATER: &str = "Try again later, or download the file and open it from your disk.";
pub const TRY_AGAIN: &str = "Try again, or download the file and open it from your disk.";
pub const TRY_ONLINE: &str = "Try again when it is online, or open a file from your disk.";
pub const NO_START: &str = "it did not start";
pub const OTHER_BUILD: &str = "the model reader is from another version of this page";
pub const RELOAD: &str =
    "The rest of the page still works. Open the model again; if it happens again, reload the page.";

pub fn at_byte(offset: u64) -> String {
    format!("at byte {}", estimator::format::whole(offset))
}
pub fn no_model_in(files: usize) -> String {
    format!("none of the repository’s {files} files is a model by its name")
}
pub fn odd_listing(why: &str) -> String {
    format!("the hub’s list of files cannot be read ({why})")
}
pub fn not_found(status: u16) -> String {
    format!("there is no such file on the server (status {status})")
}
pub fn forbidden(status: u16) -> String {
    format!("the server does not give out this file without a login (status {status})")
}
pub fn status(status: u16) -> String {
    format!("the server answered with status {status}")
}
pub fn worker_crashed(words: &str) -> String {
    format!("the model reader stopped with a fault of its own ({words})")
}
