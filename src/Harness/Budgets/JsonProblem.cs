using System.Text.Json;

namespace Loadline.Harness.Budgets;

/// <summary>What is wrong with a JSON file, without what the framework says to programmers.</summary>
internal static class JsonProblem
{
    /// <summary>"FILE:LINE: is not valid JSON: …".</summary>
    public static string Of(string path, JsonException e, string what)
    {
        // The message goes on with a count of lines and bytes of its own, which starts at 0, and with advice on the reader's options.
        var problem = e.Message.Split(" LineNumber:")[0].Split(" Path:")[0].Split(" Change the reader options")[0].Replace(" in this mode", "", StringComparison.Ordinal);
        return $"{path}:{(e.LineNumber ?? 0) + 1}: {what}: {problem.TrimEnd('.')}";
    }
}
