using Loadline.Harness.Results;

namespace Loadline.Harness.Comparing;

/// <summary>One case of two runs.</summary>
/// <param name="Name">The same in both.</param>
/// <param name="Change">What the second run made of it.</param>
/// <param name="Base">The case before; null where it is new.</param>
/// <param name="Head">The case now; null where it vanished.</param>
internal sealed record ComparedCase(string Name, Change Change, CaseResult? Base, CaseResult? Head)
{
    /// <summary>What got worse, or why nothing was compared: a sentence each.</summary>
    public IReadOnlyList<string> Sentences { get; init; } = [];
}

/// <summary>What became of a case from one run to the next.</summary>
internal enum Change
{
    /// <summary>Nothing beyond the noise.</summary>
    Same,

    /// <summary>Takes less, or loads where it did not.</summary>
    Improved,

    /// <summary>Takes more, does not load where it did, or has no figure where it had one. The only change that fails a gate.</summary>
    Regressed,

    /// <summary>Was not there before.</summary>
    New,

    /// <summary>Is not there any more.</summary>
    Vanished,

    /// <summary>Loads something else now under the same name, or ends in another way that neither run holds against it.</summary>
    Altered,
}
