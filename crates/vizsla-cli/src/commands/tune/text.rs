//! What tuning found, in words.

use std::fmt::Write;

use vizsla_eval::{FirstSetting, SecondSetting, Summary, Trials, randomisation_test};

use super::Tuned;

impl Tuned {
    pub(super) fn text(&self) -> String {
        let first = summary(&self.first, "BM25", first_name);
        let second = summary(&self.second.trials, "depth and fusion", second_name);
        format!("{first}\n{second}\n")
    }
}

pub(super) fn first_name(setting: FirstSetting) -> String {
    format!("k1 {}, b {}, title {}", setting.k1, setting.b, setting.title)
}

pub(super) fn second_name(setting: SecondSetting) -> String {
    format!("{} at depth {}", setting.fusion, setting.depth)
}

fn summary<S: Copy + PartialEq>(
    trials: &Trials<S>,
    what: &str,
    name: impl Fn(S) -> String,
) -> String {
    let (settings, names) = (trials.settings(), trials.names());
    let (default, best) = (trials.default_setting(), trials.best());
    let mut text = format!(
        "{what}: {} settings tried\n  default: {}, nDCG@10 {:.4}\n  best on all queries: {}, nDCG@10 {:.4}\n",
        settings.len(),
        name(settings[default]),
        trials.overall(default),
        name(settings[best]),
        trials.overall(best)
    );
    let folds = trials.fold_choices();
    let several = names.len() > 1;
    let kind = if several { "leaving one collection out" } else { "cross-validated" };
    let same = folds.iter().filter(|choice| **choice == best).count();
    let gain = trials.gain();
    let _ = writeln!(
        text,
        "  {kind}: {gain:#} over the default, p {:.3}; {same} of {} folds chose the same",
        randomisation_test(&trials.differences()),
        folds.len()
    );
    if several {
        for (c, (collection, choice)) in names.iter().zip(folds).enumerate() {
            let _ = writeln!(
                text,
                "    {collection}: default {:.4}, chosen by the others {:.4} ({}), best for all {:.4}",
                trials.mean(default, c),
                trials.mean(*choice, c),
                name(settings[*choice]),
                trials.mean(best, c)
            );
        }
    }
    let _ = writeln!(text, "  verdict: {}", verdict(gain));
    text
}

fn verdict(gain: Summary) -> &'static str {
    if gain.mean <= 0.0 {
        "no better than the default on held-out queries: the default is kept"
    } else if gain.low <= 0.0 {
        "perhaps better than the default: the interval includes zero"
    } else {
        "better than the default"
    }
}
