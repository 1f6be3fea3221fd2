namespace Loadline.Measuring;

/// <summary>An exception's message as a report shows it.</summary>
internal static class FailureMessage
{
    /// <summary>
    /// Between what libtorch says and its own C++ stack, from <c>c10::Error</c>'s source location on (<c>c10/util/Exception.cpp</c>).
    /// </summary>
    private const string LibtorchStack = "\nException raised from ";

    /// <summary>Its sentence on one line, and without the stack that libtorch puts into it.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="kind">The event's: an <c>error</c> nobody foresaw shows the exception's type, too.</param>
    public static string Of(Exception e, string kind)
    {
        // .NET's own words name no remedy, and are left out of a trimmed program. A cap that kills does so later: .NET ends its own heap at three quarters of it.
        if (e is OutOfMemoryException) return "there is not as much memory as this takes, or as .NET may use: raise the cap, or .NET's own limit";
        var sentence = e.Message.Split(LibtorchStack, 2)[0].ReplaceLineEndings(" ").Trim();
        // Its message names the file, and was written for whoever owns it.
        return kind == "error" && e is not (IOException or UnauthorizedAccessException) ? $"{e.GetType().Name}: {sentence}" : sentence;
    }
}
