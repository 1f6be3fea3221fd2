using System.CommandLine;
using Loadline.Harness.Inspection;
using Loadline.Harness.Output;
using Loadline.Harness.Services;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline inspect</c>: what is in a checkpoint.</summary>
internal static class InspectCommand
{
    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("PATH", "the checkpoint, a file or a folder");
        var digest = new Option<string?>("--digest") { Description = "read every tensor and print the sha256 of its contiguous bytes", HelpName = "sha256" };
        digest.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && token.Value != "sha256") result.AddError($"unknown digest '{token.Value}': known is sha256");
        });
        var json = CommandOptions.Flag("--json", "print JSON");
        var command = new Command("inspect", "Show what is in a checkpoint, without loading it.") { path, digest, json };
        var names = new NameOptions().AddTo(command);
        // On this thread, and done when it returns: a signal comes on another one.
        command.SetAction((parse, cancellation) =>
        {
            using var checkpoint = names.Open(parse, path);
            var contents = Contents.Of(checkpoint, parse.GetResult(digest) is not null, cancellation);
            if (parse.GetResult(json) is not null) PrintJson(services.Out, contents);
            else ContentsText.Print(services.Out, contents, checkpoint.StorageBytes);
            return Task.FromResult(0);
        });
        return command;
    }

    private static void PrintJson(TextWriter output, Contents contents)
    {
        using (var stream = new WriterStream(output)) ContentsJson.Write(stream, contents);
        output.WriteLine();
    }
}
