//! Einstein summation: an own parser, and a contraction of operands two at a time by batched matrix products.

use super::matmul::bmm;
use super::view;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::tensor::Tensor;
use crate::tensor::layout::{self, Shape};
use smallvec::SmallVec;

/// A subscript: a letter, or a dim of the ellipsis counted from its last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Label {
    Ellipsis(std::cmp::Reverse<usize>),
    Letter(char),
}

type Labels = SmallVec<[Label; 6]>;

/// One side of the equation: letters before and after an ellipsis, if there is one.
struct Term {
    before: Vec<char>,
    after: Vec<char>,
    ellipsis: bool,
}

fn parse_term(text: &str, side: &str) -> Result<Term> {
    let mut t = Term { before: Vec::new(), after: Vec::new(), ellipsis: false };
    let mut rest = text.chars().filter(|c| *c != ' ').peekable();
    while let Some(c) = rest.next() {
        match c {
            '.' => {
                if t.ellipsis || rest.next() != Some('.') || rest.next() != Some('.') {
                    fail!(Runtime, torch: ("einsum(): found '.' for {side} that is not part of any ellipsis{}", if side == "output" { " (...)" } else { "" }), expected: ("einsum: expected at most one '...' per term"), got: ("'{text}'"), fix: ("Write three dots."));
                }
                t.ellipsis = true;
            }
            c if c.is_ascii_alphabetic() => {
                if t.ellipsis {
                    t.after.push(c)
                } else {
                    t.before.push(c)
                }
            }
            c => {
                fail!(Runtime, torch: ("einsum(): invalid subscript given at index {} in the equation string, subscripts must be in [a-zA-Z]", text.find(c).unwrap_or(0)), expected: ("einsum: expected letters"), got: ("'{c}'"), fix: ("Use a-z and A-Z."))
            }
        }
    }
    Ok(t)
}

impl Term {
    fn len(&self) -> usize {
        self.before.len() + self.after.len()
    }

    fn labels(&self, ellipsis: usize) -> Labels {
        let dots = (0..if self.ellipsis { ellipsis } else { 0 }).rev().map(|d| Label::Ellipsis(std::cmp::Reverse(d)));
        self.before
            .iter()
            .map(|&c| Label::Letter(c))
            .chain(dots)
            .chain(self.after.iter().map(|&c| Label::Letter(c)))
            .collect()
    }
}

/// An operand with the label of each of its dims.
struct Operand {
    x: Tensor,
    labels: Labels,
}

/// Takes the diagonal of labels that operand `i` repeats.
fn without_repeats(mut x: Tensor, mut labels: Labels, i: usize) -> Result<Operand> {
    let mut d = 0;
    while d < labels.len() {
        match labels[..d].iter().position(|l| *l == labels[d]) {
            Some(first) => {
                let (n, m) = (x.shape()[first], x.shape()[d]);
                if let (true, Label::Letter(c)) = (n != m, labels[d]) {
                    fail!(Runtime, torch: ("einsum(): subscript {c} is repeated for operand {i} but the sizes don't match, {m} != {n}"), expected: ("einsum: expected one size per letter"), got: ("{n} and {m}"), fix: ("Use different letters."));
                }
                let label = labels[d];
                x = view::diagonal(&x, 0, first as i64, d as i64)?;
                labels.remove(d);
                labels.remove(first);
                labels.push(label);
                d = 0;
            }
            None => d += 1,
        }
    }
    Ok(Operand { x, labels })
}

fn parse(equation: &str, operands: &[Tensor]) -> Result<(Vec<Operand>, Labels)> {
    let (left, right) = match equation.split_once("->") {
        Some((l, r)) => (l, Some(r)),
        None => (equation, None),
    };
    let terms: Vec<Term> =
        left.split(',').enumerate().map(|(i, t)| parse_term(t, &format!("operand {i}"))).collect::<Result<_>>()?;
    if terms.len() != operands.len() {
        let more = if terms.len() > operands.len() { "fewer" } else { "more" };
        fail!(Runtime, torch: ("einsum(): {more} operands were provided than specified in the equation"), expected: ("einsum: expected {} operands", terms.len()), got: ("{}", operands.len()), fix: ("Separate the terms with commas."));
    }
    let mut ellipsis = 0;
    for (i, (t, x)) in terms.iter().zip(operands).enumerate() {
        if t.len() > x.ndim() || (!t.ellipsis && t.len() != x.ndim()) {
            let but = if t.ellipsis { "" } else { " and no ellipsis was given" };
            fail!(Runtime, torch: ("einsum(): the number of subscripts in the equation ({}) does not match the number of dimensions ({}) for operand {i}{but}", t.len(), x.ndim()), expected: ("einsum: expected a letter per dim"), got: ("{} letters for {:?}", t.len(), x.shape()), fix: ("Add '...' for the other dims."));
        }
        if t.ellipsis {
            ellipsis = ellipsis.max(x.ndim() - t.len());
        }
    }
    let mut out: Vec<Operand> = Vec::with_capacity(operands.len());
    let mut counts: std::collections::BTreeMap<char, usize> = Default::default();
    let mut sizes: std::collections::BTreeMap<char, usize> = Default::default();
    for (i, (t, x)) in terms.iter().zip(operands).enumerate() {
        t.before.iter().chain(&t.after).for_each(|&c| *counts.entry(c).or_default() += 1);
        let operand = without_repeats(x.clone(), t.labels(x.ndim() - t.len()), i)?;
        for (label, &n) in operand.labels.iter().zip(operand.x.shape()) {
            let Label::Letter(c) = *label else { continue };
            let seen = sizes.entry(c).or_insert(n);
            if n != 1 && *seen != 1 && n != *seen {
                fail!(Runtime, torch: ("einsum(): subscript {c} has size {n} for operand {i} which does not broadcast with previously seen size {seen}"), expected: ("einsum: expected one size per letter"), got: ("{n} and {seen}"), fix: ("Check the operands' shapes."));
            }
            if *seen == 1 {
                *seen = n;
            }
        }
        out.push(operand);
    }
    let result = match right {
        Some(text) => {
            let t = parse_term(text, "output")?;
            for (i, c) in t.before.iter().chain(&t.after).enumerate() {
                if !counts.contains_key(c) {
                    fail!(Runtime, torch: ("einsum(): output subscript {c} does not appear in the equation for any input operand"), expected: ("einsum: expected letters of the operands"), got: ("'{c}'"), fix: ("Check the output's letters."));
                }
                if t.before.iter().chain(&t.after).take(i).any(|d| d == c) {
                    fail!(Runtime, torch: ("einsum(): output subscript {c} appears more than once in the output"), expected: ("einsum: expected each letter once"), got: ("'{text}'"), fix: ("Remove the repetition."));
                }
            }
            t.labels(ellipsis)
        }
        // The ellipsis, then letters that appear once, in alphabetical order.
        None => (0..ellipsis)
            .rev()
            .map(|d| Label::Ellipsis(std::cmp::Reverse(d)))
            .chain(counts.iter().filter(|(_, n)| **n == 1).map(|(c, _)| Label::Letter(*c)))
            .collect(),
    };
    Ok((out, result))
}

/// Sums an operand over dims whose label nobody else wants.
fn summed(o: Operand, wanted: impl Fn(Label) -> bool) -> Result<Operand> {
    let dims: SmallVec<[i64; 6]> = (0..o.labels.len()).filter(|&d| !wanted(o.labels[d])).map(|d| d as i64).collect();
    if dims.is_empty() {
        return Ok(o);
    }
    let labels = o.labels.iter().copied().filter(|&l| wanted(l)).collect();
    Ok(Operand { x: o.x.sum_dims(&dims, false)?, labels })
}

/// Reorders dims by labels; those that are missing become 1, those of size 1 that the other lacks are kept.
fn arranged(o: &Operand, order: &[Label]) -> Result<Tensor> {
    let dims: SmallVec<[i64; 6]> =
        order.iter().filter_map(|l| o.labels.iter().position(|m| m == l)).map(|d| d as i64).collect();
    let x = view::permute(&o.x, &dims)?;
    let mut at = 0;
    let shape: Shape = order
        .iter()
        .map(|l| {
            if o.labels.contains(l) {
                at += 1;
                x.shape()[at - 1]
            } else {
                1
            }
        })
        .collect();
    x.reshape_to(&shape)
}

fn size_of(o: &Operand, l: Label) -> usize {
    o.labels.iter().position(|m| *m == l).map_or(1, |d| o.x.shape()[d])
}

/// Contracts two operands; the result keeps the wanted labels.
fn pair(a: Operand, b: Operand, wanted: impl Fn(Label) -> bool) -> Result<Operand> {
    let a = summed(a, |l| wanted(l) || b.labels.contains(&l))?;
    let b = summed(b, |l| wanted(l) || a.labels.contains(&l))?;
    // A shared label of size 1 on one side broadcasts: there it is no part of the product.
    let both = |l: &Label| a.labels.contains(l) && b.labels.contains(l) && size_of(&a, *l) == size_of(&b, *l);
    for l in a.labels.iter().filter(|l| b.labels.contains(l)) {
        let (n, m) = (size_of(&a, *l), size_of(&b, *l));
        if n != m && n != 1 && m != 1 {
            fail!(Runtime, torch: ("einsum(): operands do not broadcast with remapped shapes [original->remapped]: {:?} {:?}", a.x.shape(), b.x.shape()), expected: ("einsum: expected one size per letter"), got: ("{n} and {m}"), fix: ("Check the operands' shapes."));
        }
    }
    let batch: Labels = a.labels.iter().copied().filter(|l| both(l) && wanted(*l)).collect();
    let inner: Labels = a.labels.iter().copied().filter(|l| both(l) && !wanted(*l)).collect();
    let only = |o: &Operand, p: &Operand| -> Labels {
        o.labels.iter().copied().filter(|l| !both(l) && (!p.labels.contains(l) || size_of(o, *l) != 1)).collect()
    };
    let (left, right) = (only(&a, &b), only(&b, &a));
    // Broadcast dims that nobody wants in the end are summed before.
    let (a, left) = drop_unwanted(a, left, &wanted)?;
    let (b, right) = drop_unwanted(b, right, &wanted)?;
    let extent = |o: &Operand, ls: &Labels| -> usize { ls.iter().map(|l| size_of(o, *l)).product() };
    let (n, k, rows, cols) = (extent(&a, &batch), extent(&a, &inner), extent(&a, &left), extent(&b, &right));
    let order = |x: &Labels, y: &Labels, z: &Labels| -> Labels { x.iter().chain(y).chain(z).copied().collect() };
    let sizes: Shape = batch
        .iter()
        .map(|l| size_of(&a, *l))
        .chain(left.iter().map(|l| size_of(&a, *l)))
        .chain(right.iter().map(|l| size_of(&b, *l)))
        .collect();
    let x = squeezed(&a, &order(&batch, &left, &inner))?.reshape_to(&[n, rows, k])?;
    let y = squeezed(&b, &order(&batch, &inner, &right))?.reshape_to(&[n, k, cols])?;
    Ok(Operand { x: bmm(&x, &y)?.reshape_to(&sizes)?, labels: order(&batch, &left, &right) })
}

fn drop_unwanted(o: Operand, own: Labels, wanted: &impl Fn(Label) -> bool) -> Result<(Operand, Labels)> {
    let gone: Labels = own.iter().copied().filter(|l| !wanted(*l)).collect();
    if gone.is_empty() {
        return Ok((o, own));
    }
    Ok((summed(o, |l| !gone.contains(&l))?, own.into_iter().filter(|l| !gone.contains(l)).collect()))
}

/// The operand with dims in that order; others, all of size 1, are dropped.
fn squeezed(o: &Operand, order: &[Label]) -> Result<Tensor> {
    let keep: Labels = o.labels.iter().copied().filter(|l| order.contains(l)).collect();
    let shape: Shape = keep.iter().map(|l| size_of(o, *l)).collect();
    arranged(&Operand { x: o.x.reshape_to(&shape)?, labels: keep }, order)
}

/// Sums products of the operands' elements, as the equation's letters say.
fn einsum(equation: &str, operands: &[Tensor], path: Option<&[i64]>) -> Result<Tensor> {
    if operands.is_empty() {
        fail!(Runtime, torch: ("einsum(): must provide at least one operand"), expected: ("einsum: expected operands"), got: ("none"), fix: ("Pass the tensors after the equation."));
    }
    let (mut list, result) = parse(equation, operands)?;
    let mut steps = path.unwrap_or(&[]).chunks_exact(2);
    while list.len() > 1 {
        let (mut i, mut j) = steps.next().map_or((0, 1), |s| (s[0] as usize, s[1] as usize));
        if i > j {
            (i, j) = (j, i);
        }
        if j >= list.len() || i == j {
            fail!(Runtime, torch: ("einsum(): invalid path"), expected: ("einsum: expected pairs of operands"), got: ("{path:?}"), fix: ("Leave the path out."));
        }
        let (b, a) = (list.remove(j), list.remove(i));
        let wanted = |l: Label| result.contains(&l) || list.iter().any(|o| o.labels.contains(&l));
        let c = pair(a, b, wanted)?;
        // Without a path the operands are taken from the left.
        if path.is_some() { list.push(c) } else { list.insert(0, c) }
    }
    let Some(last) = list.pop() else { crate::internal!("einsum lost its operands.") };
    let last = summed(last, |l| result.contains(&l))?;
    let y = arranged(&last, &result)?;
    debug_assert!(layout::numel(y.shape()).is_some());
    Ok(y)
}

ops! {
    /// Sums products of the operands' elements, as the equation's letters say.
    "einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor" [p] => einsum(0, 1, 2);
}
