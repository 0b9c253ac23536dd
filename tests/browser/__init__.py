"""The sandbox page in a real browser: ./scripts/browser, and ./scripts/test --all."""
