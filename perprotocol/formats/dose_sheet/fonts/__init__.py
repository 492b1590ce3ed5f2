"""The fonts of the dose sheet: hospitals have no internet, and a missing font would leave out its signs in silence."""
