namespace Payments.Fraud.Registry;

/// <summary>What a model may do.</summary>
public enum ModelState
{
    /// <summary>Trained and stored; it scores nothing.</summary>
    Candidate,

    /// <summary>It scores every payment beside the champion, and decides none.</summary>
    Challenger,

    /// <summary>It decides.</summary>
    Champion,

    /// <summary>It was champion, and can be again.</summary>
    Retired,
}

/// <summary>Which models may become what. The one whose place is taken makes room in the same transaction.</summary>
public static class ModelStates
{
    public static bool MayBecome(ModelState from, ModelState to) => (from, to) switch
    {
        (ModelState.Candidate, ModelState.Challenger) => true,
        (ModelState.Candidate, ModelState.Champion) => true,
        (ModelState.Challenger, ModelState.Champion) => true,
        (ModelState.Challenger, ModelState.Candidate) => true,
        (ModelState.Retired, ModelState.Challenger) => true,
        (ModelState.Retired, ModelState.Champion) => true,
        _ => false,
    };

    /// <summary>What becomes of the model whose place is taken.</summary>
    public static ModelState AfterBeingReplaced(ModelState state) =>
        state == ModelState.Champion ? ModelState.Retired : ModelState.Candidate;
}
