//! An order in which nodes can run.

use std::collections::BTreeSet;

/// The places of nodes in an order in which each stands behind all that it needs, as near to the given one as can be;
/// `None` where nodes need each other in a circle. `needs` has for each node the places of those that it needs.
pub(super) fn sorted(needs: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut users = vec![Vec::new(); needs.len()];
    let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
    for (place, needs) in needs.iter().enumerate() {
        for need in needs {
            users.get_mut(*need)?.push(place);
        }
    }
    let mut free: BTreeSet<usize> =
        waiting.iter().enumerate().filter(|(_, left)| **left == 0).map(|(place, _)| place).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(place) = free.pop_first() {
        order.push(place);
        for user in users.get(place)? {
            let left = waiting.get_mut(*user)?;
            *left = left.saturating_sub(1);
            if *left == 0 {
                free.insert(*user);
            }
        }
    }
    (order.len() == needs.len()).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_first_and_the_rest_stays() {
        assert_eq!(sorted(&[vec![2, 2], vec![], vec![], vec![0]]), Some(vec![1, 2, 0, 3]));
        assert_eq!(sorted(&[vec![1], vec![0]]), None);
        assert_eq!(sorted(&[vec![9]]), None);
    }
}
