//! Calls with the numbers first, which torch still takes with a warning: `p.add_(-lr, grad)`.
//!
//! Looked at only when a call fits no signature, so that today's forms pay nothing for it.

use super::args::{Call, python_name, show};
use super::tensor::PyTensor;
use crate::schema::Schema;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::sync::atomic::AtomicBool;

/// Operations, and what the numbers before their last two tensors (or the one of `add`) are called today.
const FORMS: &[(&[&str], &[&str])] = &[
    (&["add", "sub"], &["alpha"]),
    (&["addcmul", "addcdiv"], &["value"]),
    (&["addmm", "addmv", "addr", "addbmm", "baddbmm"], &["beta", "alpha"]),
];

/// The call in today's form, if it is one of the old forms of `name`. Warns once a process, as torch does.
pub(super) fn modern<'py>(
    py: Python<'py>,
    name: &str,
    today: &Schema,
    (method, out): (bool, bool),
    call: &Call<'py>,
) -> PyResult<Option<Call<'py>>> {
    let base = name.strip_suffix('_').unwrap_or(name);
    let Some((_, numbers)) = FORMS.iter().find(|(names, _)| names.contains(&base)) else {
        return Ok(None);
    };
    let tensors = today.positional;
    let given = call.positional.len().saturating_sub(tensors);
    if !call.keywords.is_empty() || given == 0 || given > numbers.len() {
        return Ok(None);
    }
    // As a function, what has a beta takes it before the first tensor: addmm(beta, x, alpha, m1, m2).
    let places = if numbers.len() == 2 && !method { [0, 2] } else { [1, 2] };
    let mut now = Call { positional: Default::default(), keywords: Default::default() };
    let mut old = Vec::new();
    for (i, value) in call.positional.iter().enumerate() {
        let number = places[..given].iter().position(|&at| at == i);
        if value.cast::<PyTensor>().is_ok() == number.is_some() {
            return Ok(None);
        }
        if let Some(k) = number {
            old.push(format!("Number {}", numbers[k]));
            now.keywords.push((PyString::new(py, numbers[k]), value.clone()));
        } else {
            old.push(format!("Tensor {}", python_name(&today.params[now.positional.len()])));
            now.positional.push(value.clone());
        }
    }
    static SAID: AtomicBool = AtomicBool::new(false);
    let text = format!(
        "This overload of {name} is deprecated:\n\t{name}({})\nConsider using one of the following signatures instead:\n\t{name}{}",
        old[method as usize..].join(", "),
        show(today, method, out),
    );
    super::errors::warn_once(py, &SAID, &text)?;
    Ok(Some(now))
}
