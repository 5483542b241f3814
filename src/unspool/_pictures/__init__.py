"""Pictures as SVG documents: one style sheet, scales with round ticks, panels, bars and a legend."""
