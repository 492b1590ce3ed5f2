"""What a report is written with: words, markup, the time axis, and the page's style and script."""
