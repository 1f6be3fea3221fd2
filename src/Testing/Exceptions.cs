namespace Loadline.Testing;

/// <summary>A body did not stay within its budget. The message is a sentence that says by how much, then the last lines of the body's output.</summary>
/// <param name="message">For people.</param>
/// <param name="run">What was measured.</param>
public sealed class BudgetMissedException(string message, CappedRun run) : Exception(message)
{
    /// <summary>What was measured.</summary>
    public CappedRun Run { get; } = run;
}

/// <summary>
/// No cap can be held on this machine. The message begins with the mark by which xunit.v3 knows a skip, unless <c>LOADLINE_REQUIRE</c> names the
/// runtime (<c>cgroup</c>, or <c>docker</c> where an image was asked for): then the test fails.
/// </summary>
public sealed class CapUnavailableException : Exception
{
    private const string Skip = "$XunitDynamicSkip$";

    internal CapUnavailableException(string why, bool isFailure, Exception inner) : base(isFailure ? why : Skip + why, inner)
    {
    }
}
