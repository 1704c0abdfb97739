//! Work in slices, between which the browser draws and listens.

use gloo::timers::callback::Timeout;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How long a slice may take before the browser gets its turn: shorter than a picture of a film.
const SLICE_MS: f64 = 12.0;

/// Work going on; dropping it ends the work.
pub struct Slices {
    ended: Rc<Cell<bool>>,
}

impl Drop for Slices {
    fn drop(&mut self) {
        self.ended.set(true);
    }
}

/// Calls `step` again and again until it says that all is done, and `pause` after each slice, also after the last.
pub fn in_slices(step: impl FnMut() -> bool + 'static, pause: impl Fn() + 'static) -> Slices {
    let ended = Rc::new(Cell::new(false));
    slice(Rc::new(RefCell::new(step)), Rc::new(pause), ended.clone());
    Slices { ended }
}

fn slice(step: Rc<RefCell<impl FnMut() -> bool + 'static>>, pause: Rc<impl Fn() + 'static>, ended: Rc<Cell<bool>>) {
    Timeout::new(0, move || {
        if ended.get() {
            return;
        }
        let start = js_sys::Date::now();
        let mut done = false;
        while !done && js_sys::Date::now() - start < SLICE_MS {
            done = (step.borrow_mut())();
        }
        pause();
        if !done {
            slice(step, pause, ended);
        }
    })
    .forget();
}
