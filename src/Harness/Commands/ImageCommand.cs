using System.CommandLine;
using Loadline.Harness.Runtimes.Images;
using Loadline.Harness.Services;
using Loadline.Measuring;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline image</c>: the worker's image as a file, for machines that pull their images or are handed them.</summary>
internal static class ImageCommand
{
    public static Command Create(HarnessServices services)
    {
        var engine = CommandOptions.Engine();
        var name = CommandOptions.Checked(
            "--name",
            $"what it is called where it is loaded; by default {EngineImage.Repository} with a tag that its contents give",
            "NAME[:TAG]",
            ImageName.ProblemOf);
        var system = new Option<string?>("--base")
        {
            Description = "the system under the worker, as mmdebstrap writes one, a tar that is not compressed; by default the shared libraries of this machine that it loads",
            HelpName = "TAR",
        };
        var output = new Option<string>("--output", "-o") { Description = "the archive: OCI's, which docker load and podman load take, too", HelpName = "FILE", Required = true };
        var command = new Command("image", "Write the worker's image as a file, with no daemon.") { engine, name, system, output };
        command.SetAction(async (parse, cancellation) =>
        {
            var path = parse.GetValue(output)!;
            OutputTargets.RefuseUnwritable(path);
            OutputTargets.RefuseOther(path, ImageArchive.IsOne, "is no image of `loadline image`");
            var below = parse.GetValue(system) is { } tar ? BaseArchive.Of(tar) : null;
            var image = await EngineImage.OfAsync(parse.GetValue(engine) ?? EngineNames.Native, services.FindWorker(), below, cancellation);
            var archive = ImageArchive.Write(path, parse.GetValue(name) ?? EngineImage.Repository, image);
            services.Out.WriteLine($"{path}: {archive.Name}, {ByteSize.Format(archive.Bytes)}, {archive.Digest}");
            return ExitCodes.Loaded;
        });
        return command;
    }
}
