//! The page's program. Natively it does nothing; the native program is `netpier`.

fn main() {
    #[cfg(target_arch = "wasm32")]
    netpier::ui::run();
}
