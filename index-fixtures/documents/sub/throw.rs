/// Throws the ball `distance` metres.
fn throw_ball(distance: u32) -> bool {
    distance > 0
}
