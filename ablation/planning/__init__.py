"""Planning: from a sweep file to its arms, trials and costs, before anything is trained."""
