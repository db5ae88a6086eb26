// Restores each file in a task of its own: `nextflow run main.nf`, and `-resume` to go on.
// W2S_RESTORE is a module in the form of nf-core, to be taken into other workflows.
nextflow.enable.dsl = 2

params.input = @input
params.outdir = @outdir
params.args = @args

process W2S_RESTORE {
    tag "$meta.id"
    cpus @cpus
    memory '@memory_gb GB'
    time '@minutes min'@{accelerator}@{container}
    errorStrategy { task.attempt < 2 ? 'retry' : 'finish' }
    publishDir path: { "${params.outdir}/${meta.folder}" }, mode: 'copy', pattern: '*.ome.tif'

    input:
    tuple val(meta), path(image)

    output:
    tuple val(meta), path("${prefix}.ome.tif"), emit: image
    path 'versions.yml', emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: params.args
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    OMP_NUM_THREADS=${task.cpus} w2s restore ${image} -o '${prefix}.ome.tif' ${args}

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        w2s: \$(w2s --version | sed 's/w2s //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch '${prefix}.ome.tif' versions.yml
    """
}

workflow {
    root = file(params.input, checkIfExists: true)
    images = Channel
        .fromPath("${params.input}/**.{tif,tiff,TIF,TIFF}")
        .map { image ->
            def folder = root.toAbsolutePath().relativize(image.toAbsolutePath().parent)
            [[id: image.name.replaceAll(/(?i)(\.ome)?\.tiff?$/, ''), folder: folder.toString()], image]
        }
    W2S_RESTORE(images)
}
