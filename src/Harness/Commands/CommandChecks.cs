using System.CommandLine;
using System.CommandLine.Parsing;

namespace Loadline.Harness.Commands;

/// <summary>What makes no sense among the options of a command, each of which makes sense.</summary>
internal static class CommandChecks
{
    /// <summary>
    /// Adds a check. The parser runs it before it looks at the options themselves, and throws where it is asked for the value of one that has none, or a wrong one:
    /// what it throws is then the sentence that it would say itself.
    /// </summary>
    public static void Check(this Command command, Action<CommandResult> check) => command.Validators.Add(result =>
    {
        try
        {
            check(result);
        }
        catch (InvalidOperationException e)
        {
            result.AddError(e.Message);
        }
    });
}
