"""What reports are made of, whatever they are about: statistics, plots and a page for both."""
